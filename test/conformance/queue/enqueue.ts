import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { completed } from '../../../queues/outcome.ts';
import type { JobContext } from '../../../queues/port.ts';
import { done, eventually, type Harness } from './harness.ts';

const refresh = (integrationId: string = randomUUID()) => ({
  kind: 'credential.refresh' as const,
  payload: { integrationId },
  userId: null,
});

export function enqueueArea(late: () => Harness): void {
  describe('enqueue', () => {
    test('a job reaches its handler once, with its payload', async () => {
      const h = late();
      const seen: JobContext[] = [];
      await h.consume((job) => {
        seen.push(job);
        return Promise.resolve(completed({ ok: true }));
      });
      const { jobId, created } = await h.queue.enqueue(refresh('0198c5a0-0000-7000-8000-000000000001'));
      const job = await h.until(jobId, 'completed');
      expect(created).toBe(true);
      expect(job).toMatchObject({ attempts: 1, result: { ok: true }, queue: 'maintenance', userId: null });
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatchObject({
        jobId,
        attempt: 1,
        payload: { integrationId: '0198c5a0-0000-7000-8000-000000000001' },
      });
    });

    test('a payload that does not fit its kind is refused and nothing is written', async () => {
      const h = late();
      await expect(h.enqueue({ payload: { integrationId: 'no' } })).rejects.toMatchObject({
        code: 'queue.payload_invalid',
      });
      await expect(h.enqueue({ kind: 'no.such' as 'sync.run' })).rejects.toMatchObject({ code: 'queue.unknown_kind' });
      await expect(h.enqueue({ queue: 'metrics' })).rejects.toMatchObject({ code: 'usage.invalid' });
      expect(await h.queue.list({ states: ['waiting', 'delayed'] })).toEqual([]);
    });

    test('a unique key is answered with the job that holds it, until that job is settled', async () => {
      const h = late();
      const first = await h.queue.enqueue({ ...refresh(), uniqueKey: 'k' });
      const second = await h.queue.enqueue({ ...refresh(), uniqueKey: 'k' });
      expect(second).toEqual({ jobId: first.jobId, created: false });
      await h.consume(done);
      await h.until(first.jobId, 'completed');
      const third = await h.queue.enqueue({ ...refresh(), uniqueKey: 'k' });
      expect(third.created).toBe(true);
    });

    test('many concurrent enqueues of one unique key create one job', async () => {
      const h = late();
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => h.queue.enqueue({ ...refresh(), uniqueKey: 'race' })),
      );
      expect(answers.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(answers.map(({ jobId }) => jobId)).size).toBe(1);
    });

    test('enqueueMany answers in order, also for keys taken inside and outside of it', async () => {
      const h = late();
      const { jobId: held } = await h.queue.enqueue({ ...refresh(), uniqueKey: 'held' });
      const answers = await h.queue.enqueueMany([
        refresh(),
        { ...refresh(), uniqueKey: 'held' },
        { ...refresh(), uniqueKey: 'new' },
        { ...refresh(), uniqueKey: 'new' },
      ]);
      expect(answers.map(({ created }) => created)).toEqual([true, false, true, false]);
      expect(answers[1]?.jobId).toBe(held);
      expect(answers[3]?.jobId).toBe(answers[2]?.jobId);
      expect(await h.queue.enqueueMany([])).toEqual([]);
    });

    test('a job enqueued in a transaction exists when it commits', async () => {
      const h = late();
      const runs: string[] = [];
      await h.consume((job) => Promise.resolve(completed(runs.push(job.jobId))));
      const undone = h.databases.scheduler.tx({ kind: 'none' }, async (tx) => {
        await h.queue.enqueue(refresh(), { tx });
        throw new Error('undo');
      });
      await expect(undone).rejects.toThrow('undo');
      const kept = await h.databases.scheduler.tx({ kind: 'none' }, (tx) => h.queue.enqueue(refresh(), { tx }));
      await h.until(kept.jobId, 'completed');
      expect(runs).toEqual([kept.jobId]);
    });

    test('higher classes and priorities run first', async () => {
      const h = late();
      await h.enqueue({
        workClass: 'backfill',
        priority: 9,
        payload: { integrationId: '00000000-0000-4000-8000-000000000004' },
      });
      await h.enqueue({ payload: { integrationId: '00000000-0000-4000-8000-000000000003' } });
      await h.enqueue({ priority: 5, payload: { integrationId: '00000000-0000-4000-8000-000000000002' } });
      await h.enqueue({ workClass: 'interactive', payload: { integrationId: '00000000-0000-4000-8000-000000000001' } });
      const order: string[] = [];
      const obey = (job: JobContext) => Promise.resolve(completed(order.push(JSON.stringify(job.payload).at(-3)!)));
      await h.consume(obey, { concurrency: 1 });
      await eventually(() => order.length === 4);
      expect(order).toEqual(['1', '2', '3', '4']);
    });

    test('a delayed job is shown as delayed and does not run before its time', async () => {
      const h = late();
      const runAt = new Date(Date.now() + 400);
      const jobId = await h.enqueue({ runAt });
      expect((await h.queue.get(jobId))?.state).toBe('delayed');
      let startedAt = 0;
      await h.consume(() => Promise.resolve(completed((startedAt = Date.now()))));
      await h.admission.admitDue();
      await eventually(async () => (await h.admission.admitDue()) === 1);
      await h.until(jobId, 'completed');
      expect(startedAt).toBeGreaterThanOrEqual(runAt.getTime());
    });

    test('a user holds at most 20 due jobs in the engine; the rest follow as they end', async () => {
      const h = late();
      const userId = randomUUID();
      const jobs = await h.queue.enqueueMany(Array.from({ length: 50 }, () => ({ ...refresh(), userId })));
      expect(await h.driver.missing(jobs.map(({ jobId }) => ({ id: jobId, queue: 'maintenance' })))).toHaveLength(30);
      await h.consume(done);
      await eventually(async () => (await h.queue.counts('maintenance')).waiting === 0);
      await h.until(jobs.at(-1)!.jobId, 'completed');
    });
  });
}
