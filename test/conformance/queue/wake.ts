import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { completed } from '../../../queues/outcome.ts';
import { done, eventually, type Harness, type StaticCapabilities } from './harness.ts';

/** No poll comes by in the time of a test: whatever happens was woken. */
const NO_POLL = { firstPollMs: 3_600_000, pollMs: 3_600_000 };
const SOON_MS = 300;

export function wakeArea(late: () => Harness, capabilities: StaticCapabilities): void {
  describe('wake', () => {
    const waking = capabilities.wakes ? test : test.skip;

    /** A consumer that has seen an empty queue, and sleeps. */
    async function idle(h: Harness, handler = done) {
      await eventually(() => h.driver.capabilities.wakes);
      const consumer = await h.consume(handler, NO_POLL);
      await h.until(await h.enqueue(), 'completed');
      return consumer;
    }

    waking('a new job wakes an idle consumer (needs an engine that wakes)', async () => {
      const h = late();
      await idle(h);
      for (let i = 0; i < 3; i++) await h.until(await h.enqueue(), 'completed');
    });

    waking('a job put back by a takeover wakes an idle consumer (needs an engine that wakes)', async () => {
      const h = late();
      const jobId = await h.enqueue();
      const { workerId } = await h.dieWith(jobId);
      await idle(h);
      await h.reconciler.takeOver([workerId]);
      await h.until(jobId, 'completed');
    });

    waking('a job of a worker that is found gone wakes an idle consumer (needs an engine that wakes)', async () => {
      const h = late();
      const jobId = await h.enqueue();
      const { workerId } = await h.dieWith(jobId);
      await idle(h);
      await h.asSuperuser(
        `insert into workers (id, hostname, pid, concurrency, status, stopped_at) values ($1, 'h', 1, 1, 'dead', now())`,
        [workerId],
      );
      await h.reconciler.takeOver([workerId]);
      await h.reconciler.restoreLost();
      await h.until(jobId, 'completed');
    });

    waking('a dead job that is to run again wakes an idle consumer (needs an engine that wakes)', async () => {
      const h = late();
      let isBroken = true;
      const jobId = await h.enqueue();
      await idle(h, (job) => {
        if (isBroken && job.jobId === jobId) throw new AppError('internal', 'broken');
        return Promise.resolve(completed());
      });
      await h.until(jobId, 'dead');
      isBroken = false;
      await h.queue.retry(jobId);
      await h.until(jobId, 'completed');
    });

    test('a retry comes back at its time, not at the next poll', async () => {
      const h = late();
      const fail = (attempt: number) => attempt === 1 && Promise.reject(new AppError('http.unavailable', 'down'));
      await h.consume((job) => fail(job.attempt) || Promise.resolve(completed()), { ...NO_POLL, random: () => 0.1 });
      const jobId = await h.enqueue();
      await h.driver.wake('jobs');
      await h.until(jobId, 'completed');
    });

    waking('a retry of a worker that left comes at its time to another (needs an engine that wakes)', async () => {
      const h = late();
      const first = await h.consume(() => Promise.reject(new AppError('http.unavailable', 'down')), {
        random: () => SOON_MS / 1_000,
      });
      const jobId = await h.enqueue();
      await h.until(jobId, 'delayed');
      await first.stop();
      await idle(h);
      expect((await h.until(jobId, 'completed')).attempts).toBe(2);
    });

    waking('a job for later comes at its time (needs an engine that wakes)', async () => {
      const h = late();
      await idle(h);
      const jobId = await h.enqueue({ runAt: new Date(Date.now() + SOON_MS) });
      await eventually(async () => {
        await h.admission.admitDue();
        return (await h.queue.get(jobId))?.state === 'completed';
      });
    });
  });
}
