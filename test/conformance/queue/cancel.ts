import { describe, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';
import { completed, snooze } from '../../../queues/outcome.ts';
import { done, eventually, type Harness } from './harness.ts';

export function cancelArea(late: () => Harness): void {
  describe('cancel', () => {
    test('a queued job is settled as cancelled and never runs', async () => {
      const h = late();
      const [admitted, delayed] = [await h.enqueue(), await h.enqueue({ runAt: new Date(Date.now() + 60_000) })];
      expect(await h.queue.cancel(admitted)).toBe(true);
      expect(await h.queue.cancel(delayed)).toBe(true);
      const ran: string[] = [];
      await h.consume((job) => Promise.resolve(completed(ran.push(job.jobId))));
      const witness = await h.enqueue();
      await h.until(witness, 'completed');
      expect(ran).toEqual([witness]);
      expect(await h.queue.get(admitted)).toMatchObject({ state: 'cancelled', kind: h.lane.kind });
      expect(await h.queue.get(delayed)).toMatchObject({ state: 'cancelled' });
    });

    test('a running job has its signal fired and ends as cancelled, whatever it throws', async () => {
      const h = late();
      await h.consume(
        ({ signal }) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
      );
      const jobId = await h.enqueue();
      await h.until(jobId, 'active');
      expect(await h.queue.cancel(jobId)).toBe(true);
      await h.until(jobId, 'cancelled');
    });

    test('a snooze of a cancelled job does not bring it back; a finished one stays finished', async () => {
      const h = late();
      const snoozer = await h.enqueue();
      await h.consume(
        (job) =>
          new Promise((resolve) => {
            const outcome = job.jobId === snoozer ? snooze(0, 'slice') : completed();
            job.signal.addEventListener('abort', () => resolve(outcome));
          }),
      );
      const finisher = await h.enqueue();
      for (const jobId of [snoozer, finisher]) {
        await h.until(jobId, 'active');
        await h.queue.cancel(jobId);
      }
      await h.until(snoozer, 'cancelled');
      await h.until(finisher, 'completed');
    });

    test('cancelling what is not there, settled or dead is answered with false', async () => {
      const h = late();
      await h.consume(done);
      const jobId = await h.enqueue();
      await h.until(jobId, 'completed');
      expect(await h.queue.cancel(jobId)).toBe(false);
      expect(await h.queue.cancel(randomUUID())).toBe(false);
    });

    test('cancelling while consumers claim never loses a job and never runs a cancelled one', async () => {
      const h = late();
      const ran = new Set<string>();
      const enqueued = await h.queue.enqueueMany(Array.from({ length: 60 }, () => h.request()));
      const jobs = enqueued.map(({ jobId }) => jobId);
      const handler = (job: { jobId: string }) => Promise.resolve(completed(ran.add(job.jobId).size));
      await Promise.all([h.consume(handler), h.consume(handler), ...jobs.map((id) => h.queue.cancel(id))]);
      const ended = await Promise.all(jobs.map((id) => h.until(id, 'completed', 'cancelled')));
      expect(ended.filter(({ state, id }) => (state === 'completed') !== ran.has(id))).toEqual([]);
      await eventually(async () => (await h.queue.counts(h.lane.queue)).active === 0);
    });
  });
}
