import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { completed } from '../../../queues/outcome.ts';
import { eventually, type Harness } from './harness.ts';

export function inspectionArea(late: () => Harness): void {
  describe('counts and listing', () => {
    test('every state is counted and listed', async () => {
      const h = late();
      const before = await h.queue.counts(h.lane.queue);
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
      // An engine outside of Postgres hears of an end a moment after the ledger.
      await eventually(async () => (await h.queue.counts(h.lane.queue)).active === 1);
      const after = await h.queue.counts(h.lane.queue);
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
      expect(await h.queue.counts(h.deadQueue)).toMatchObject({ dead: 1, waiting: 0, completed: 0 });
      const listed = await h.queue.list({ queue: h.lane.queue, limit: 5 });
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
      expect(pages[0]?.[0]).toMatchObject({ userId, priority: 2, workClass: 'backfill', kind: h.lane.kind });
      expect(await h.queue.list({ userId, kind: h.lane.otherKind })).toEqual([]);
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
