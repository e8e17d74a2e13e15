import { describe, expect, test } from 'vitest';
import { completed, snooze } from '../../../queues/outcome.ts';
import { done, type Harness } from './harness.ts';

export function drainArea(late: () => Harness): void {
  describe('drain', () => {
    test('stopping fires draining, waits for the handler, and takes nothing new', async () => {
      const h = late();
      const consumer = await h.consume(
        (job) => new Promise((resolve) => job.draining.addEventListener('abort', () => resolve(snooze(0, 'drain')))),
        { drainMs: 20_000 },
      );
      const jobId = await h.enqueue();
      await h.until(jobId, 'active');
      await consumer.stop();
      const after = await h.enqueue();
      expect(await h.queue.get(jobId)).toMatchObject({ state: 'waiting', attempts: 0 });
      expect((await h.queue.get(after))?.state).toBe('waiting');
      expect(consumer.activeCount).toBe(0);
    });

    test('a handler that does not end in time is aborted and its job put back unspent', async () => {
      const h = late();
      const consumer = await h.consume(
        ({ signal }) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
        { drainMs: 20 },
      );
      const jobId = await h.enqueue();
      await h.until(jobId, 'active');
      await consumer.stop();
      expect(await h.queue.get(jobId)).toMatchObject({ state: 'waiting', attempts: 0, takeovers: 0 });
      await h.consume(done);
      expect((await h.until(jobId, 'completed')).attempts).toBe(1);
    });

    test('a handler that never ends is abandoned and its job put back', async () => {
      const h = late();
      const consumer = await h.consume(() => new Promise(() => undefined), { drainMs: 20, abandonAfterMs: 20 });
      const jobId = await h.enqueue();
      await h.until(jobId, 'active');
      await consumer.stop();
      expect((await h.queue.get(jobId))?.state).toBe('waiting');
    });

    test('stop is safe before start and twice; start after stop does nothing', async () => {
      const h = late();
      const consumer = await h.consume(() => Promise.resolve(completed()));
      await Promise.all([consumer.stop(), consumer.stop()]);
      await consumer.start();
      const jobId = await h.enqueue();
      expect((await h.queue.get(jobId))?.state).toBe('waiting');
    });
  });
}
