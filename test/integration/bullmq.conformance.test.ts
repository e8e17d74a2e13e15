import { afterAll, test } from 'vitest';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createBullMqDriver } from '../../queues/drivers/bullmq/driver.ts';
import { queueConformance } from '../conformance/queue/index.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { NEEDS_REDIS, openRedis } from '../support/redis.ts';

const redis = await openRedis();

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
      lose: async (jobId) => {
        const base = '{tidemark}:maintenance:';
        await redis.do('del', `${base}${jobId}`, `${base}${jobId}:lock`);
        await redis.do('zrem', `${base}prioritized`, jobId);
        await redis.do('lrem', `${base}active`, 0, jobId);
      },
    };
  });
}
