// Killed workers with the queue on Redis, and a Redis that is killed and wiped under them.

import { afterAll, describe, expect, it } from 'vitest';
import { expectFinished } from '../support/kill-checks.ts';
import { killSuite } from '../support/kill-suite.ts';
import { createKillWorld } from '../support/kill-world.ts';
import { hasRedisServer, NEEDS_REDIS_SERVER, startRedis } from '../support/redis.ts';

if (hasRedisServer()) {
  const redis = await startRedis();
  afterAll(() => redis.stop());
  const world = await createKillWorld({ postings: 400, proposals: 60, redisUrl: redis.url });
  // The steps inside a page's transaction know no queue: `kill.test.ts` kills at each of them.
  killSuite(world, ['run.leased', 'run.planned', 'tx.marked', 'page.committed', 'run.read', 'run.finished']);

  describe('a Redis', { timeout: 60_000 }, () => {
    it('that is wiped in the middle of a page costs nothing', async () => {
      const accounts = [await world.connect(), await world.connect()];
      const worker = world.startWorker({ at: 'tx.upserted', nth: 3, does: { blocksMs: 300 } });
      await worker.sprung;
      await redis.do('flushall');
      await world.settled();
      expect(await worker.stop()).toEqual([0, null]);
      await expectFinished(world, accounts);
    });

    it('that crashes in the middle of a page, and comes back empty, costs nothing but time', async () => {
      const accounts = [await world.connect(), await world.connect()];
      const worker = world.startWorker({ at: 'tx.upserted', nth: 3, does: { blocksMs: 300 } });
      await worker.sprung;
      await redis.end('SIGKILL');
      await redis.again();
      await world.settled();
      expect(await worker.stop()).toEqual([0, null]);
      await expectFinished(world, accounts);
    });
  });
} else {
  describe.skip(`killed workers with the queue on Redis (${NEEDS_REDIS_SERVER})`, () => {
    it('run', () => undefined);
  });
}
