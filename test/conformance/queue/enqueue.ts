import { describe, expect, test } from 'vitest';
import { uuidv7 } from '../../../src/core/ids.ts';
import { completed } from '../../../queues/outcome.ts';
import type { JobContext } from '../../../queues/port.ts';
import { done, eventually, type Harness } from './harness.ts';

export function enqueueArea(late: () => Harness): void {
  describe('enqueue', () => {
    test('a job reaches its handler once, with its payload', async () => {
      const h = late();
      const seen: JobContext[] = [];
      await h.consume((job) => {
        seen.push(job);
        return Promise.resolve(completed({ ok: true }));
      });
      const request = h.request();
      const { payload, userId } = request;
      const { jobId, created } = await h.queue.enqueue(request);
      const job = await h.until(jobId, 'completed');
      expect(created).toBe(true);
      expect(job).toMatchObject({ attempts: 1, result: { ok: true }, queue: h.lane.queue, userId, payload });
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatchObject({ jobId, attempt: 1, payload, userId });
    });

    test('a payload that does not fit its kind is refused and nothing is written', async () => {
      const h = late();
      await expect(h.enqueue({ payload: h.lane.unfit as never })).rejects.toMatchObject({
        code: 'queue.payload_invalid',
      });
      await expect(h.enqueue({ kind: 'no.such' as 'sync.run' })).rejects.toMatchObject({ code: 'queue.unknown_kind' });
      await expect(h.enqueue({ queue: h.lane.otherQueue })).rejects.toMatchObject({ code: 'usage.invalid' });
      expect(await h.queue.list({ states: ['waiting', 'delayed'] })).toEqual([]);
    });

    test('a unique key is answered with the job that holds it, until that job is settled', async () => {
      const h = late();
      const first = await h.queue.enqueue(h.request({ uniqueKey: 'k' }));
      const second = await h.queue.enqueue(h.request({ uniqueKey: 'k' }));
      expect(second).toEqual({ jobId: first.jobId, created: false });
      await h.consume(done);
      await h.until(first.jobId, 'completed');
      const third = await h.queue.enqueue(h.request({ uniqueKey: 'k' }));
      expect(third.created).toBe(true);
    });

    test('many concurrent enqueues of one unique key create one job', async () => {
      const h = late();
      const racing = Array.from({ length: 10 }, () => h.queue.enqueue(h.request({ uniqueKey: 'race' })));
      const answers = await Promise.all(racing);
      expect(answers.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(answers.map(({ jobId }) => jobId)).size).toBe(1);
    });

    test('enqueueMany answers in order, also for keys taken inside and outside of it', async () => {
      const h = late();
      const { jobId: held } = await h.queue.enqueue(h.request({ uniqueKey: 'held' }));
      const answers = await h.queue.enqueueMany([
        h.request(),
        h.request({ uniqueKey: 'held' }),
        h.request({ uniqueKey: 'new' }),
        h.request({ uniqueKey: 'new' }),
      ]);
      expect(answers.map(({ created }) => created)).toEqual([true, false, true, false]);
      expect(answers[1]?.jobId).toBe(held);
      expect(answers[3]?.jobId).toBe(answers[2]?.jobId);
      expect(await h.queue.enqueueMany([])).toEqual([]);
    });

    test('higher classes and priorities are given out first, and among equals the older one', async () => {
      const h = late();
      const [last, third, fourth] = [
        await h.enqueue({ workClass: 'backfill', priority: 9 }),
        await h.enqueue(),
        await h.enqueue(),
      ];
      const second = await h.enqueue({ priority: 5 });
      const first = await h.enqueue({ workClass: 'interactive' });
      const claims = await h.driver.claim({
        workerId: uuidv7(),
        queues: [{ name: h.lane.queue, limit: 10 }],
        limit: 10,
      });
      expect(claims.map(({ id }) => id)).toEqual([first, second, third, fourth, last]);
    });

    test('a delayed job is shown as delayed and does not run before its time', async () => {
      const h = late();
      const runAt = new Date(Date.now() + 400);
      const jobId = await h.enqueue({ runAt });
      expect((await h.queue.get(jobId))?.state).toBe('delayed');
      let startedAt = 0;
      await h.consume(() => Promise.resolve(completed((startedAt = Date.now()))));
      await eventually(async () => {
        await h.admission.admitDue();
        return startedAt > 0;
      });
      await h.until(jobId, 'completed');
      expect(startedAt).toBeGreaterThanOrEqual(runAt.getTime());
    });
  });
}
