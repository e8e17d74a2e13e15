import { describe, expect, test } from 'vitest';
import { completed, snooze } from '../../../queues/outcome.ts';
import type { JobContext } from '../../../queues/port.ts';
import { eventually, frozen, type Harness, type TestHandler } from './harness.ts';

export function takeoverArea(late: () => Harness): void {
  describe('takeover and reconciliation', () => {
    test('jobs of a dead worker go to another one at once and spend no attempt', async () => {
      const h = late();
      const jobId = await h.enqueue();
      const { workerId, release } = await h.dieWith(jobId);
      const seen: JobContext[] = [];
      await h.consume((job) => Promise.resolve(completed(seen.push(job))));
      expect(await h.reconciler.takeOver([workerId])).toEqual({ requeued: 1, poisoned: 0 });
      const job = await h.until(jobId, 'completed');
      expect(seen).toMatchObject([{ jobId, attempt: 1, takeovers: 1 }]);
      expect(job).toMatchObject({ attempts: 1, takeovers: 1, result: 1 });
      release();
      await eventually(() => h.log.events.some(({ event }) => event === 'job.late_settle'));
      expect((await h.queue.get(jobId))?.result).toBe(1);
    });

    test('a worker that lives and lost its claim has its signal fired', async () => {
      const h = late();
      const alive = frozen();
      const { workerId } = await h.consume(alive.handler, { concurrency: 1 });
      await h.enqueue();
      await eventually(() => alive.jobs.length === 1);
      await h.reconciler.takeOver([workerId]);
      await eventually(() => alive.jobs[0]?.signal.aborted === true);
    });

    test('a worker that was declared dead by mistake may be given its own job again', async () => {
      const h = late();
      const old = frozen();
      const handler: TestHandler = (job) =>
        job.takeovers === 0 ? old.handler(job) : Promise.resolve(completed('second'));
      const { workerId } = await h.consume(handler);
      const jobId = await h.enqueue();
      await eventually(() => old.jobs.length === 1);
      await h.reconciler.takeOver([workerId]);
      expect((await h.until(jobId, 'completed')).result).toBe('second');
      await eventually(() => old.jobs[0]?.signal.aborted === true);
    });

    test('a job that was in hand when too many workers died is poison', async () => {
      const h = late();
      const jobId = await h.enqueue();
      for (let death = 1; death <= 5; death++) {
        const { workerId } = await h.dieWith(jobId);
        const taken = await h.reconciler.takeOver([workerId]);
        expect(taken).toEqual(death < 5 ? { requeued: 1, poisoned: 0 } : { requeued: 0, poisoned: 1 });
      }
      expect(await h.queue.get(jobId)).toMatchObject({
        state: 'dead',
        takeovers: 5,
        error: { code: 'queue.poisoned' },
      });
    });

    test('a job that came back by itself is no poison: its takeovers count anew', async () => {
      const h = late();
      const jobId = await h.enqueue();
      const { workerId } = await h.dieWith(jobId);
      const takeovers: number[] = [];
      await h.consume((job) =>
        Promise.resolve(takeovers.push(job.takeovers) === 1 ? snooze(1, 'next slice') : completed()),
      );
      await h.reconciler.takeOver([workerId]);
      await h.until(jobId, 'completed');
      expect(takeovers).toEqual([1, 0]);
    });

    test('two consumers never run one job twice', async () => {
      const h = late();
      const runs = new Map<string, number>();
      const handler: TestHandler = (job) =>
        Promise.resolve(completed(runs.set(job.jobId, (runs.get(job.jobId) ?? 0) + 1).size));
      await Promise.all([h.consume(handler), h.consume(handler), h.consume(handler)]);
      await h.queue.enqueueMany(Array.from({ length: 200 }, () => h.request()));
      await eventually(() => runs.size === 200);
      expect(Math.max(...runs.values())).toBe(1);
    });
  });
}
