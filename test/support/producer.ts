// A service that enqueues by SQL: a login of its own, member of `tidemark_producer`.

import { randomBytes, randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll } from 'vitest';
import type { TestDatabase } from './postgres.ts';

export interface Producer {
  call(kind: string, payload: unknown, options?: unknown): Promise<string>;
  query(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
}

/** A service with a login of its own that may enqueue and nothing else. */
export async function openProducer(url: string, asSuperuser: TestDatabase['asSuperuser']): Promise<Producer> {
  const [name, password] = [`service_${randomBytes(4).toString('hex')}`, randomUUID()];
  await asSuperuser(`create role ${name} login password '${password}'`);
  await asSuperuser(`grant tidemark_producer to ${name}`);
  const own = new URL(url);
  own.username = name;
  own.password = password;
  const client = new Client({ connectionString: own.href });
  await client.connect();
  afterAll(async () => {
    await client.end();
    await asSuperuser(`drop role ${name}`);
  });
  const query: Producer['query'] = async (text, values = []) => (await client.query(text, [...values])).rows as never;
  return {
    query,
    async call(kind, payload, options) {
      const values = [kind, JSON.stringify(payload), JSON.stringify(options ?? {})];
      return (await query('select tidemark_enqueue($1, $2, $3) as id', values))[0]!['id'] as string;
    },
  };
}
