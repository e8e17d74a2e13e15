import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { completed } from '../../../queues/outcome.ts';
import type { JobState } from '../../../queues/states.ts';
import { eventually, type Harness } from './harness.ts';

export function searchArea(late: () => Harness): void {
  describe('search', () => {
    test('jobs are found by a field of their payload, in whatever state', async () => {
      const h = late();
      const [integrationId, userId] = [randomUUID(), randomUUID()];
      const [dying, ending] = [
        await h.enqueue({ payload: { integrationId } }),
        await h.enqueue({ payload: { integrationId } }),
      ];
      const rollup = { kind: 'metrics.rollup', payload: { userId, day: '2026-03-01' } } as const;
      const consumer = await h.consume((job) => {
        if (job.jobId === dying) throw new AppError('internal', 'broken');
        return Promise.resolve(completed());
      });
      await h.until(dying, 'dead');
      await h.until(ending, 'completed');
      const rolled = await h.enqueue(rollup);
      await h.until(rolled, 'completed');
      await consumer.stop();
      const waiting = await h.enqueue({ payload: { integrationId } });
      await h.enqueue();
      const due = await h.enqueue(rollup);
      const found = async (payload: Record<string, unknown>, more: object = {}) =>
        (await h.queue.list({ payload, ...more })).map(({ id }) => id);
      expect(await found({ integrationId })).toEqual([waiting, ending, dying]);
      expect(await found({ integrationId }, { queue: 'maintenance', states: ['completed'] })).toEqual([ending]);
      expect(await found({ integrationId }, { queue: 'maintenance-dead' })).toEqual([dying]);
      expect(await found({ userId, day: '2026-03-01' })).toEqual([due, rolled]);
      expect(await found({ userId }, { queue: 'metrics', states: ['waiting'] })).toEqual([due]);
      expect(await found({ userId, day: '2026-03-02' })).toEqual([]);
      expect(await found({ integrationId, more: 1 })).toEqual([]);
    });

    test('derived jobs are counted and listed in every state, and each of them once', async () => {
      const h = late();
      const rollup = () => ({ kind: 'metrics.rollup', payload: { userId: randomUUID(), day: '2026-03-01' } }) as const;
      const before = await h.queue.counts('metrics');
      const { promise, resolve } = Promise.withResolvers<ReturnType<typeof completed>>();
      const [ending, dying, lasting] = [
        await h.enqueue(rollup()),
        await h.enqueue(rollup()),
        await h.enqueue(rollup()),
      ];
      const consumer = await h.consume((job) => {
        if (job.jobId === dying) throw new AppError('internal', 'broken');
        return job.jobId === lasting ? promise : Promise.resolve(completed());
      });
      await h.until(ending, 'completed');
      await h.until(dying, 'dead');
      await h.until(lasting, 'active');
      // In the ledger by now, and still one job.
      await eventually(
        async () => (await h.asSuperuser('select from job_ledger where id = $1', [lasting])).length === 1,
      );
      // An engine outside of Postgres hears of a death a moment after the ledger.
      await eventually(async () => (await h.queue.counts('metrics')).active === 1);
      const after = await h.queue.counts('metrics');
      expect({ ...after, completed: after.completed - before.completed }).toMatchObject({
        active: 1,
        completed: 1,
        failed: before.failed,
        dead: 1,
      });
      const since = async (...states: JobState[]) =>
        (await h.queue.list({ queue: 'metrics', states, limit: 3 })).map(({ id }) => id);
      expect(await since()).toEqual([lasting, dying, ending]);
      expect(await since('active')).toEqual([lasting]);
      expect(await since('dead')).toEqual([dying]);
      expect(await since('failed')).not.toContain(dying);
      expect(await h.queue.get(lasting)).toMatchObject({ state: 'active', workerId: consumer.workerId });
      resolve(completed());
      await h.until(lasting, 'completed');
      await consumer.stop();
      const [due, later] = [
        await h.enqueue(rollup()),
        await h.enqueue({ ...rollup(), runAt: new Date(Date.now() + 60_000) }),
      ];
      expect(await h.queue.counts('metrics')).toMatchObject({ waiting: 1, delayed: 1, active: 0 });
      expect(await since('waiting', 'delayed')).toEqual([later, due]);
    });
  });
}
