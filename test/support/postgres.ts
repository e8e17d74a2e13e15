// A database of one's own for a test file, cloned from the migrated template. Kept when a test failed, so that one can
// look at what it left.

import { Client } from 'pg';
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, inject } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { openDatabase, type Database, type DatabaseRole } from '../../src/db/database.ts';
import { TEMPLATE, urlOf } from './cluster.ts';

export interface TestDatabase {
  readonly name: string;
  urlOf(role: DatabaseRole): string;
  /** A pool of a runtime role, closed at the end of the file. */
  open(role: DatabaseRole, poolSize?: number): Database;
  /** Statements as superuser: to look past row level security, never to do what a test is about. */
  asSuperuser<R = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<R[]>;
}

/** Whether a test of this file has failed: then its databases stay for inspection. */
let hasFailed = false;
afterEach(({ task }) => {
  hasFailed ||= task.result?.state === 'fail';
});

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Call it in `beforeAll` (or at the top of a file with await); it cleans up after the file's last test. */
export async function createTestDatabase(superuserUrl: string = inject('cluster').superuserUrl): Promise<TestDatabase> {
  const name = `t_${randomBytes(6).toString('hex')}`;
  await withClient(superuserUrl, (client) =>
    client.query(`create database ${name} template ${TEMPLATE} strategy file_copy owner tidemark_owner`),
  );
  const ownUrl = new URL(superuserUrl);
  ownUrl.pathname = `/${name}`;
  const pools: Database[] = [];
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.close()));
    if (hasFailed) console.error(`kept database ${name}; TIDEMARK_TEST_KEEP=1 leaves its server running too`);
    else await withClient(superuserUrl, (client) => client.query(`drop database if exists ${name} with (force)`));
  });
  return {
    name,
    urlOf: (role) => urlOf(superuserUrl, role, name),
    open(role, poolSize = 5) {
      const pool = openDatabase({ url: new Secret(urlOf(superuserUrl, role, name)), role, poolSize });
      pools.push(pool);
      return pool;
    },
    asSuperuser: <R>(text: string, values: readonly unknown[] = []) =>
      withClient(ownUrl.href, async (client) => (await client.query(text, [...values])).rows as R[]),
  };
}
