import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { completed, discard, snooze } from '../../../queues/outcome.ts';
import { eventually, type Harness } from './harness.ts';

export function outcomesArea(late: () => Harness): void {
  describe('outcomes', () => {
    test('a transient failure is retried under the same id and spends an attempt', async () => {
      const h = late();
      const attempts: number[] = [];
      await h.consume((job) => {
        attempts.push(job.attempt);
        if (job.attempt < 3) throw new AppError('http.unavailable', 'down');
        return Promise.resolve(completed());
      });
      const job = await h.until(await h.enqueue(), 'completed');
      expect(attempts).toEqual([1, 2, 3]);
      expect(job.attempts).toBe(3);
    });

    test('an end whose text was cut within a character is stored, and holds up no other', async () => {
      const h = late();
      await h.consume((job) => {
        if (job.attempt === 1) throw new AppError('http.unavailable', 'cut \ud83d', { details: { said: '\ud83d \0' } });
        return Promise.resolve(completed({ text: `${'x'.repeat(16_374)}${'😀'.repeat(10)}`, half: '\ud83d' }));
      });
      expect((await h.until(await h.enqueue(), 'completed')).attempts).toBe(2);
    });

    test('a job that fails at every attempt is dead, with the last error in ledger and dead letter', async () => {
      const h = late();
      let runs = 0;
      await h.consume(() => Promise.reject(new AppError('http.unavailable', `down ${++runs}`)));
      const jobId = await h.enqueue();
      const job = await h.until(jobId, 'dead');
      expect(job).toMatchObject({
        attempts: 5,
        maxAttempts: 5,
        error: { code: 'http.unavailable', message: 'down 5' },
      });
      expect(await h.driver.missing([{ id: jobId, queue: h.deadQueue }])).toEqual([]);
      expect(await h.queue.list({ queue: h.deadQueue })).toMatchObject([{ id: jobId }]);
    });

    test('a dead job runs again on demand, with its attempts reset', async () => {
      const h = late();
      let broken = true;
      await h.consume(() => {
        if (broken) throw new AppError('internal', 'broken');
        return Promise.resolve(completed());
      });
      const jobId = await h.enqueue();
      await h.until(jobId, 'dead');
      broken = false;
      expect(await h.queue.retry(jobId)).toBe(true);
      const job = await h.until(jobId, 'completed');
      expect(job.attempts).toBe(1);
      expect(await h.driver.missing([{ id: jobId, queue: h.deadQueue }])).toEqual([jobId]);
      expect(await h.queue.retry(jobId)).toBe(false);
    });

    test('a dead job whose unique key is taken by now stays dead', async () => {
      const h = late();
      const consumer = await h.consume(() => Promise.reject(new AppError('internal', 'broken')));
      const jobId = await h.enqueue({ uniqueKey: 'u' });
      await h.until(jobId, 'dead');
      await consumer.stop();
      await h.enqueue({ uniqueKey: 'u' });
      expect(await h.queue.retry(jobId)).toBe(false);
      expect((await h.queue.get(jobId))?.state).toBe('dead');
    });

    test('a snooze comes back after its delay and spends no attempt', async () => {
      const h = late();
      const attempts: number[] = [];
      await h.consume((job) => {
        attempts.push(job.attempt);
        return Promise.resolve(attempts.length < 10 ? snooze(1, 'slice') : completed());
      });
      const job = await h.until(await h.enqueue(), 'completed');
      expect(attempts).toEqual(Array.from({ length: 10 }, () => 1));
      expect(job.attempts).toBe(1);
    });

    test('a long snooze is shown as delayed and leaves the slot free', async () => {
      const h = late();
      const consumer = await h.consume(() => Promise.resolve(snooze(60_000, 'rate limited')), { concurrency: 1 });
      const jobId = await h.enqueue();
      await h.until(jobId, 'delayed');
      await eventually(() => consumer.activeCount === 0);
    });

    test('a rate limit snoozes, a conflict discards, a missing permission goes to the dead letter', async () => {
      const h = late();
      const errors = {
        [await h.enqueue()]: new AppError('platform.rate_limited', 'slow down', { retryAfterMs: 60_000 }),
        [await h.enqueue()]: new AppError('sync.lease_lost', 'someone else'),
        [await h.enqueue()]: new AppError('platform.scope_missing', 'no scope'),
      };
      const [limited, lost, forbidden] = Object.keys(errors) as [string, string, string];
      await h.consume((job) => Promise.reject(errors[job.jobId]!));
      expect((await h.until(limited, 'delayed')).attempts).toBe(0);
      expect((await h.until(lost, 'completed')).result).toMatchObject({
        discarded: expect.stringContaining('sync.lease_lost'),
      });
      expect((await h.until(forbidden, 'dead')).error?.code).toBe('platform.scope_missing');
    });

    test('a discard settles quietly', async () => {
      const h = late();
      await h.consume(() => Promise.resolve(discard('nothing left to do')));
      const job = await h.until(await h.enqueue(), 'completed');
      expect(job.result).toEqual({ discarded: 'nothing left to do' });
    });

    test('a handler over its time limit is aborted and its job retried, also when it ignores the signal', async () => {
      const h = late();
      const signals: AbortSignal[] = [];
      await h.consume(
        (job) => {
          signals.push(job.signal);
          return signals.length === 1 ? new Promise(() => undefined) : Promise.resolve(completed());
        },
        { timeoutMsOf: () => 50, abandonAfterMs: 50 },
      );
      const job = await h.until(await h.enqueue(), 'completed');
      expect(signals[0]?.aborted).toBe(true);
      expect(job.attempts).toBe(2);
      expect(h.log.events.find(({ event }) => event === 'job.retried')?.fields['code']).toBe('queue.job_timeout');
    });

    test('a result that Postgres cannot hold does not keep others from being settled', async () => {
      const h = late();
      const circular: Record<string, unknown> = { text: 'a\0b' };
      circular['self'] = circular;
      const results: unknown[] = [circular, { text: 'a\0b' }, { big: 'x'.repeat(100_000) }, { n: 1n }];
      await h.consume(() => Promise.resolve(completed(results.pop())));
      const jobs = [await h.enqueue(), await h.enqueue(), await h.enqueue(), await h.enqueue(), await h.enqueue()];
      for (const jobId of jobs) await h.until(jobId, 'completed');
    });
  });
}
