// A Redis that loses everything in the middle of work, and the loop that makes up for it. Ticks are counted, not seconds.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReconcileLoop } from '../../queues/loops.ts';
import { completed, snooze } from '../../queues/outcome.ts';
import type { JobContext } from '../../queues/port.ts';
import { HOUR_MS } from '../../src/core/duration.ts';
import { systemClock } from '../../src/core/clock.ts';
import { eventually, harnessOn, type Harness } from '../conformance/queue/harness.ts';
import { LEDGERED } from '../conformance/queue/lanes.ts';
import { openBullMq } from '../support/engines-under-test.ts';
import { hasRedisServer, NEEDS_REDIS_SERVER, startRedis, type PrivateRedis } from '../support/redis.ts';

const IN_HAND = 3;
const SLEEPING = 5;

/** The scheduler's loop, and how many looks it has begun. */
function startReconciling(h: Harness) {
  const reconciler = h.reconcilerWith({});
  let ticks = 0;
  const counted = {
    ...reconciler,
    wasWiped() {
      ticks += 1;
      return reconciler.wasWiped();
    },
  };
  const loop = createReconcileLoop({ reconciler: counted, clock: systemClock, log: h.log });
  return { loop, ticks: () => ticks };
}

const byState = async (h: Harness, state: string): Promise<string[]> =>
  (await h.asSuperuser<{ id: string }>(`select id from job_ledger where state = $1 order by id`, [state])).map(
    ({ id }) => id,
  );

describe.skipIf(!hasRedisServer())(`a wiped Redis (${NEEDS_REDIS_SERVER})`, () => {
  let redis: PrivateRedis;
  let h: Harness;
  beforeAll(async () => {
    redis = await startRedis();
    h = harnessOn(await openBullMq(redis), LEDGERED);
  });
  afterAll(async () => {
    await h?.driver.stop();
    await redis?.stop();
  });

  test('holds within two ticks exactly what is due, and everything runs once', async () => {
    const ran: string[] = [];
    const gate = Promise.withResolvers<void>();
    let isNight = true;
    const work = async ({ jobId }: JobContext) => {
      if (isNight) return snooze(HOUR_MS, 'sleeps');
      await gate.promise;
      ran.push(jobId);
      return completed();
    };
    await h.consume(work, { concurrency: IN_HAND });
    for (let i = 0; i < SLEEPING; i++) await h.until(await h.enqueue(), 'delayed');
    isNight = false;
    for (let i = 0; i < IN_HAND; i++) await h.until(await h.enqueue(), 'active');
    for (const userId of [randomUUID(), randomUUID()])
      await h.queue.enqueueMany(Array.from({ length: 30 }, () => h.request({ userId })));
    const [inHand, inside, inFront] = [
      await byState(h, 'active'),
      await byState(h, 'admitted'),
      await byState(h, 'pending'),
    ];
    expect([inHand.length, inside.length, inFront.length]).toEqual([IN_HAND, SLEEPING + 40, 20]);

    const { loop, ticks } = startReconciling(h);
    await loop.start();
    await eventually(() => ticks() > 1);
    await redis.do('flushall');
    const before = ticks();
    const refs = inside.map((id) => ({ id, queue: h.lane.queue }));
    await eventually(async () => (await h.driver.missing(refs)).length === 0);
    expect(ticks() - before).toBeLessThanOrEqual(2);
    await loop.stop();

    const states = ['waiting', 'delayed', 'active'] as const;
    const held = await h.driver.list({ queues: [h.lane.queue], states, limit: 1_000 });
    expect(held.map(({ id }) => id).toSorted()).toEqual(inside);
    expect(held.filter(({ state }) => state === 'delayed')).toHaveLength(SLEEPING);
    gate.resolve();
    await eventually(async () => (await h.queue.counts(h.lane.queue)).waiting === 0);
    await eventually(async () => (await byState(h, 'active')).length === 0);
    expect(ran).toHaveLength(IN_HAND + 60);
    expect(new Set(ran).size).toBe(ran.length);
    expect(await byState(h, 'admitted')).toHaveLength(SLEEPING);
  });
});
