import { describe, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { completed } from '../../../queues/outcome.ts';
import { done, eventually, type Harness, type StaticCapabilities } from './harness.ts';

/** No poll comes by in the time of a test: whatever happens was woken. */
const NO_POLL = { pollMs: 3_600_000 };

export function wakeArea(late: () => Harness, capabilities: StaticCapabilities): void {
  describe('wake', () => {
    const waking = capabilities.wakes ? test : test.skip;

    waking('a new job wakes an idle consumer (needs an engine that wakes)', async () => {
      const h = late();
      await eventually(() => h.driver.capabilities.wakes);
      await h.consume(done, NO_POLL);
      for (let i = 0; i < 3; i++) await h.until(await h.enqueue(), 'completed');
    });

    waking('a job put back by a takeover wakes an idle consumer (needs an engine that wakes)', async () => {
      const h = late();
      await eventually(() => h.driver.capabilities.wakes);
      const gate = Promise.withResolvers<ReturnType<typeof completed>>();
      const { workerId } = await h.consume(() => gate.promise, { ...NO_POLL, concurrency: 1 });
      const jobId = await h.enqueue();
      await h.until(jobId, 'active');
      await h.consume(done, NO_POLL);
      await h.reconciler.takeOver([workerId]);
      await h.until(jobId, 'completed');
      gate.resolve(completed());
    });

    test('a retry comes back at its time, not at the next poll', async () => {
      const h = late();
      await h.consume(
        (job) =>
          job.attempt === 1 ? Promise.reject(new AppError('http.unavailable', 'down')) : Promise.resolve(completed()),
        { ...NO_POLL, random: () => 0.1 },
      );
      const jobId = await h.enqueue();
      h.driver.onWake(() => undefined);
      await h.driver.wake('jobs');
      await h.until(jobId, 'completed');
    });
  });
}
