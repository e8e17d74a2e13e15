import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { completed } from '../../../queues/outcome.ts';
import type { JobState } from '../../../queues/states.ts';
import { eventually, type Harness } from './harness.ts';

export function inspectionArea(late: () => Harness): void {
  describe('counts and listing', () => {
    test('every state is counted and listed', async () => {
      const h = late();
      const before = await h.queue.counts('maintenance');
      const dying = await h.enqueue({ uniqueKey: 'dying' });
      const ending = await h.enqueue();
      const consumer = await h.consume((job) => {
        if (job.jobId === dying) throw new AppError('internal', 'broken');
        if (job.jobId === ending) return Promise.resolve(completed());
        return new Promise((resolve) => job.signal.addEventListener('abort', () => resolve(completed())));
      });
      await h.until(dying, 'dead');
      await h.until(ending, 'completed');
      const active = await h.enqueue();
      await h.until(active, 'active');
      const cancelled = await h.enqueue({ runAt: new Date(Date.now() + 90_000) });
      await h.queue.cancel(cancelled);
      const delayed = await h.enqueue({ runAt: new Date(Date.now() + 60_000) });
      const after = await h.queue.counts('maintenance');
      expect({
        ...after,
        completed: after.completed - before.completed,
        cancelled: after.cancelled - before.cancelled,
      }).toEqual({
        waiting: 0,
        delayed: 1,
        active: 1,
        completed: 1,
        failed: expect.any(Number),
        cancelled: 1,
        dead: 1,
      });
      expect(await h.queue.counts('maintenance-dead')).toMatchObject({ dead: 1, waiting: 0, completed: 0 });
      const listed = await h.queue.list({ queue: 'maintenance', limit: 5 });
      expect(listed.map(({ id }) => id)).toEqual([delayed, cancelled, active, ending, dying]);
      expect(await h.queue.list({ states: ['active'] })).toMatchObject([{ id: active, workerId: consumer.workerId }]);
    });

    test('a list is filtered by kind and user and paged newest first', async () => {
      const h = late();
      const userId = randomUUID();
      const ids: string[] = [];
      for (let i = 0; i < 5; i++) ids.unshift(await h.enqueue({ userId, priority: 2, workClass: 'backfill' }));
      await h.enqueue();
      const pages = [await h.queue.list({ userId, limit: 3 }), await h.queue.list({ userId, limit: 3, offset: 3 })];
      expect(pages.flat().map(({ id }) => id)).toEqual(ids);
      expect(pages[0]?.[0]).toMatchObject({ userId, priority: 2, workClass: 'backfill', kind: 'credential.refresh' });
      expect(await h.queue.list({ userId, kind: 'sync.run' })).toEqual([]);
    });

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
      // Newest first needs an order: a fast engine takes several jobs within a millisecond.
      const enqueueApart = async (request: Parameters<Harness['enqueue']>[0]): Promise<string> => {
        const jobId = await h.enqueue(request);
        const at = Date.now();
        await eventually(() => Date.now() > at);
        return jobId;
      };
      const { promise, resolve } = Promise.withResolvers<ReturnType<typeof completed>>();
      const [ending, dying, lasting] = [
        await enqueueApart(rollup()),
        await enqueueApart(rollup()),
        await enqueueApart(rollup()),
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
        await enqueueApart(rollup()),
        await enqueueApart({ ...rollup(), runAt: new Date(Date.now() + 60_000) }),
      ];
      expect(await h.queue.counts('metrics')).toMatchObject({ waiting: 1, delayed: 1, active: 0 });
      expect(await since('waiting', 'delayed')).toEqual([later, due]);
    });

    test('progress is visible while the job runs', async () => {
      const h = late();
      await h.consume((job) => {
        job.progress(0.5, 'half');
        return new Promise((resolve) => job.signal.addEventListener('abort', () => resolve(completed())));
      });
      const jobId = await h.enqueue();
      const progress = await eventually(async () => (await h.queue.get(jobId))?.progress ?? undefined);
      expect(progress).toEqual({ fraction: 0.5, note: 'half' });
    });

    test('what is not there is null', async () => {
      expect(await late().queue.get(randomUUID())).toBeNull();
      expect(await late().queue.get('not-an-id')).toBeNull();
    });
  });
}
