// The board under a person's hands, with the queue on Redis.

import { afterAll, describe, it } from 'vitest';
import { boardSuite } from '../support/board-suite.ts';
import { createBoardWorld } from '../support/board-world.ts';
import { closeBrowser } from '../support/browser.ts';
import { hasRedisServer, NEEDS_REDIS_SERVER, startRedis } from '../support/redis.ts';

if (hasRedisServer()) {
  const redis = await startRedis();
  afterAll(() => redis.stop());
  boardSuite('bullmq-clicks', await createBoardWorld({ postings: 30, proposals: 3, redisUrl: redis.url }));
  afterAll(closeBrowser);
} else {
  describe.skip(`the board with the queue on Redis (${NEEDS_REDIS_SERVER})`, () => {
    it('is pressed', () => undefined);
  });
}
