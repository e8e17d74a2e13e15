// A service that shares the database: a login that may enqueue by SQL and nothing else.

import { Pool } from 'pg';
import { uuidv7 } from '../../../src/core/ids.ts';
import type { BenchEngine } from '../engines.ts';

export interface Producer {
  /** `credential.refresh` in a transaction of its own; with `userId` in the name of that user. */
  send(userId?: string): Promise<unknown>;
  /** So many calls in one transaction. */
  sendTogether(count: number): Promise<void>;
  close(): Promise<void>;
}

const CALL = `select tidemark_enqueue('credential.refresh', jsonb_build_object('integrationId', gen_random_uuid()), $1)`;

/** Notes the engine in use as a starting process does: the door looks at it. */
export async function openProducer({ engine, database, databaseUrl }: BenchEngine, connections: number) {
  const login = `bench_${uuidv7().slice(-12)}`;
  await database.asSuperuser('select claim_queue_engine($1)', [engine]);
  await database.asSuperuser(`create role ${login} login password 'bench'`);
  await database.asSuperuser(`grant tidemark_producer to ${login}`);
  const url = new URL(databaseUrl);
  url.username = login;
  url.password = 'bench';
  const pool = new Pool({ connectionString: url.href, max: connections });
  const producer: Producer = {
    send: (userId) => pool.query(CALL, [JSON.stringify(userId === undefined ? {} : { user_id: userId })]),
    async sendTogether(count) {
      const client = await pool.connect();
      try {
        await client.query('begin');
        for (let left = count; left > 0; left--) await client.query(CALL, ['{}']);
        await client.query('commit');
      } finally {
        client.release();
      }
    },
    async close() {
      await pool.end();
      await database.asSuperuser(`drop role ${login}`);
    },
  };
  return producer;
}
