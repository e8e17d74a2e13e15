import { afterAll, test } from 'vitest';
import { queueConformance } from '../conformance/queue/index.ts';
import { openBullMq } from '../support/engines-under-test.ts';
import { NEEDS_REDIS, openRedis } from '../support/redis.ts';

const redis = await openRedis();

if (redis === null) {
  test.skip(`queue engine bullmq (${NEEDS_REDIS})`, () => undefined);
} else {
  afterAll(() => redis.stop());
  queueConformance('bullmq', { wakes: true }, () => openBullMq(redis));
}
