// The queue engines as the tests that hold for both of them need them: started, over a database of their own, with what no
// verb of a driver can do: forgetting a job, adding one past Tidemark, losing everything, being away.

import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { QUEUES } from '../../queues/catalog.ts';
import type { EngineDriver } from '../../queues/driver.ts';
import { installPgBoss } from '../../queues/drivers/pgboss/install.ts';
import type { EngineUnderTest } from '../conformance/queue/harness.ts';
import { driverAt, type EngineAddress } from '../bench/engines.ts';
import { createTestDatabase, type TestDatabase } from './postgres.ts';
import type { PrivateRedis, TestRedis } from './redis.ts';
import { waitFor } from './wait.ts';

export interface OpenEngine extends EngineUnderTest {
  /** For processes that use the same engine. */
  readonly address: EngineAddress;
  readonly urlOf: TestDatabase['urlOf'];
}

type Opened = Omit<OpenEngine, 'lose' | 'addNative'>;

async function open(database: TestDatabase, place: Pick<EngineAddress, 'engine' | 'redisUrl'>): Promise<Opened> {
  const address = { ...place, databaseUrl: database.urlOf('tidemark_worker') };
  const worker = database.open('tidemark_worker', 10);
  const driver: EngineDriver = driverAt(address, worker);
  await driver.start();
  return {
    address,
    urlOf: (role) => database.urlOf(role),
    driver,
    databases: { api: database.open('tidemark_api', 10), scheduler: database.open('tidemark_scheduler'), worker },
    asSuperuser: (text, values) => database.asSuperuser(text, values),
  };
}

export async function openPgBoss(): Promise<OpenEngine> {
  const database = await createTestDatabase();
  await installPgBoss(database.urlOf('tidemark_owner'));
  return {
    ...(await open(database, { engine: 'pgboss', redisUrl: null })),
    lose: async (jobId) => void (await database.asSuperuser('delete from pgboss.job where id = $1', [jobId])),
    async addNative(queue, job) {
      const rows = await database.asSuperuser<{ id: string }>(
        'insert into pgboss.job (name, data) values ($1, $2) returning id',
        [queue, JSON.stringify(job)],
      );
      return rows[0]!.id;
    },
  };
}

async function lose(server: TestRedis, jobId: string): Promise<void> {
  for (const queue of QUEUES) {
    const base = `{tidemark}:${queue}:`;
    const deduplication = await server.do('hget', base + jobId, 'deid');
    if (typeof deduplication === 'string') await server.do('del', `${base}de:${deduplication}`);
    await server.do('del', base + jobId, `${base}${jobId}:lock`);
    for (const state of ['prioritized', 'delayed']) await server.do('zrem', base + state, jobId);
    await server.do('lrem', `${base}active`, 0, jobId);
  }
}

/** BullMQ's own `Queue.add`, as another service calls it. */
async function addNative(server: TestRedis, queueName: string, kind: string, payload: unknown): Promise<string> {
  const queue = new Queue(queueName, { connection: { url: server.url.reveal() }, prefix: '{tidemark}' });
  try {
    const job = await queue.add(kind, payload, { jobId: `native-${randomUUID()}` });
    return job.id!;
  } finally {
    await queue.close();
  }
}

const isPrivate = (server: TestRedis): server is PrivateRedis => 'again' in server;

/** What only a server of our own may suffer. */
function outagesOf(server: TestRedis, driver: EngineDriver): Pick<EngineUnderTest, 'wipe' | 'leave'> {
  if (!isPrivate(server)) return {};
  return {
    wipe: async () => void (await server.do('flushall')),
    async leave() {
      await server.end('SIGKILL');
      return async () => {
        await server.again();
        // The driver knocks again after a pause of up to two seconds, and refuses every verb until then.
        await waitFor(async () => (await driver.health?.())?.status === 'ok', {
          what: 'the driver to find Redis again',
        });
      };
    },
  };
}

export async function openBullMq(redis: TestRedis): Promise<OpenEngine> {
  const database = await createTestDatabase();
  const opened = await open(database, { engine: 'bullmq', redisUrl: redis.url.reveal() });
  return {
    ...opened,
    lose: (jobId) => lose(redis, jobId),
    addNative: (queue, { kind, payload }) => addNative(redis, queue, kind, payload),
    ...outagesOf(redis, opened.driver),
  };
}
