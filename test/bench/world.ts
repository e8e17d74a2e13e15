// The server that a bench measures on: an embedded PostgreSQL of its own with real durability, and a fresh migrated
// database for every case.

import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { Secret } from '../../src/core/secret.ts';
import { openDatabase, type Database } from '../../src/db/database.ts';
import { createEmbeddedPostgres, type EmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { prepareCluster, TEMPLATE, urlOf } from '../support/cluster.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { hasRedisServer, startRedis, type PrivateRedis } from '../support/redis.ts';

export interface BenchDatabase extends TestDatabase {
  /** As superuser. */
  readonly superuserUrl: string;
  /** A statement of the superuser in the maintenance database of its server. */
  asServer<R>(text: string): Promise<readonly R[]>;
  /** Closes the pools and drops the database. */
  drop(): Promise<void>;
}

export interface BenchWorld {
  readonly postgresVersion: string;
  createDatabase(): Promise<BenchDatabase>;
  /** URL of the bench's own Redis, with nothing in it; null where there is no redis-server. */
  emptyRedis(): Promise<string | null>;
  close(): Promise<void>;
}

export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function createDatabase(superuserUrl: string): Promise<BenchDatabase> {
  const name = `b_${randomBytes(6).toString('hex')}`;
  await withClient(superuserUrl, (client) =>
    client.query(`create database ${name} template ${TEMPLATE} owner tidemark_owner`),
  );
  const own = new URL(superuserUrl);
  own.pathname = `/${name}`;
  const pools: Database[] = [];
  return {
    name,
    superuserUrl: own.href,
    urlOf: (role) => urlOf(superuserUrl, role, name),
    open(role, poolSize = 5) {
      const pool = openDatabase({ url: new Secret(urlOf(superuserUrl, role, name)), role, poolSize });
      pools.push(pool);
      return pool;
    },
    asSuperuser: <R>(text: string, values: readonly unknown[] = []) =>
      withClient(own.href, async (client) => (await client.query(text, [...values])).rows as R[]),
    asServer: <R>(text: string) => withClient(superuserUrl, async (client) => (await client.query(text)).rows as R[]),
    async drop() {
      await Promise.all(pools.map((pool) => pool.close()));
      await withClient(superuserUrl, (client) => client.query(`drop database if exists ${name} with (force)`));
    },
  };
}

export interface BenchWorldOptions {
  /** Keeps pg_stat_statements, which costs every statement a little. */
  readonly countsStatements?: boolean;
}

/** Takes a restart: the library is loaded by the server's first process. */
async function loadStatementCounter(server: EmbeddedPostgres): Promise<void> {
  await withClient(server.superuserUrl.reveal(), async (client) => {
    await client.query(`alter system set shared_preload_libraries = 'pg_stat_statements'`);
    await client.query(`alter system set pg_stat_statements.track = 'top'`);
  });
  await server.stop();
  await server.start();
  await withClient(server.superuserUrl.reveal(), (client) => client.query('create extension pg_stat_statements'));
}

export async function createBenchWorld({ countsStatements = false }: BenchWorldOptions = {}): Promise<BenchWorld> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'tidemark-bench-'));
  // The server runs as another user when we are root, and must get through.
  await chmod(dataDir, 0o711);
  const server = createEmbeddedPostgres({ dataDir, log: silentLog, durability: 'safe' });
  let redis: Promise<PrivateRedis> | undefined;
  const close = async (): Promise<void> => {
    await (await redis)?.stop();
    await server.stop();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  try {
    await server.start();
    if (countsStatements) await loadStatementCounter(server);
    const { superuserUrl } = await prepareCluster(server.superuserUrl);
    const version = await withClient(superuserUrl, (client) =>
      client.query<{ version: string }>(`select current_setting('server_version') as version`),
    );
    return {
      postgresVersion: version.rows[0]!.version,
      createDatabase: () => createDatabase(superuserUrl),
      async emptyRedis() {
        if (!hasRedisServer()) return null;
        redis ??= startRedis();
        const { url, do: ask } = await redis;
        await ask('flushall');
        return url.reveal();
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
