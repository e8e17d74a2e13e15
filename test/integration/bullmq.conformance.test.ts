import { randomUUID } from 'node:crypto';
import { afterAll, test } from 'vitest';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createBullMqDriver } from '../../queues/drivers/bullmq/driver.ts';
import { Queue } from 'bullmq';
import { QUEUES } from '../../queues/catalog.ts';
import type { EngineUnderTest } from '../conformance/queue/harness.ts';
import { queueConformance } from '../conformance/queue/index.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { NEEDS_REDIS, openRedis, type PrivateRedis, type TestRedis } from '../support/redis.ts';

const redis = await openRedis();

const isPrivate = (server: TestRedis): server is PrivateRedis => 'again' in server;

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

/** What only a server of our own may suffer. */
function outagesOf(server: TestRedis): Pick<EngineUnderTest, 'wipe' | 'leave'> {
  if (!isPrivate(server)) return {};
  return {
    wipe: async () => void (await server.do('flushall')),
    async leave() {
      await server.end('SIGKILL');
      return () => server.again();
    },
  };
}

if (redis === null) {
  test.skip(`queue engine bullmq (${NEEDS_REDIS})`, () => undefined);
} else {
  afterAll(() => redis.stop());
  queueConformance('bullmq', { wakes: true }, async () => {
    const database = await createTestDatabase();
    const driver = createBullMqDriver({ url: redis.url, log: silentLog });
    await driver.start();
    return {
      driver,
      databases: {
        api: database.open('tidemark_api', 10),
        scheduler: database.open('tidemark_scheduler'),
        worker: database.open('tidemark_worker', 10),
      },
      asSuperuser: (text, values) => database.asSuperuser(text, values),
      lose: (jobId) => lose(redis, jobId),
      addNative: (queue, { kind, payload }) => addNative(redis, queue, kind, payload),
      ...outagesOf(redis),
    };
  });
}
