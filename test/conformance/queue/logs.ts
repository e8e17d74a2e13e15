import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { completed } from '../../../queues/outcome.ts';
import { AppError } from '../../../src/core/errors.ts';
import { eventually, type Harness } from './harness.ts';

/** The job's lines that a handler of these tests wrote; what the queue itself says about a job is left out. */
async function said(h: Harness, jobId: string, count: number): Promise<readonly string[]> {
  return await eventually(async () => {
    const lines = (await h.queue.logs(jobId)).map(({ line }) => line).filter((line) => line.includes('step='));
    return lines.length >= count ? lines : undefined;
  });
}

export function logsArea(late: () => Harness): void {
  describe('logs of jobs', () => {
    test('what a handler says from info on is kept, in order and over its attempts', async () => {
      const h = late();
      await h.consume((job) => {
        job.log.emit('run.page', { step: 'unseen' });
        job.log.emit('run.continued', { step: `${job.attempt}a` });
        job.log.with({ stream: 'jobs' }).emit('run.waiting', { step: `${job.attempt}b` });
        if (job.attempt === 1) throw new AppError('http.unavailable', 'down');
        return Promise.resolve(completed());
      });
      const jobId = await h.enqueue();
      await h.until(jobId, 'completed');
      expect(await said(h, jobId, 4)).toEqual([
        'run continues in a new slice step=1a',
        'run waits for its next attempt stream=jobs step=1b',
        'run continues in a new slice step=2a',
        'run waits for its next attempt stream=jobs step=2b',
      ]);
    });

    test('lines can be read while the job runs', async () => {
      const h = late();
      const { promise, resolve } = Promise.withResolvers<void>();
      await h.consume(async (job) => {
        job.log.emit('run.started', { step: 1 });
        await promise;
        return completed();
      });
      const jobId = await h.enqueue();
      expect(await said(h, jobId, 1)).toEqual(['run started step=1']);
      expect((await h.queue.get(jobId))?.state).toBe('active');
      resolve();
    });

    test('a job that no ledger knows has a log too', async () => {
      const h = late();
      await h.consume((job) => {
        job.log.emit('run.started', { step: 1 });
        return Promise.resolve(completed());
      });
      const payload = { userId: randomUUID(), day: '2026-03-01' };
      const { jobId } = await h.queue.enqueue({ kind: 'metrics.rollup', payload, userId: null });
      expect(await said(h, jobId, 1)).toEqual(['run started step=1']);
    });

    test('no secret is kept, and the process is told as well', async () => {
      const h = late();
      await h.consume((job) => {
        job.log.emit('run.started', { step: 1, refresh_token: 'canary', url: 'https://user:canary@host/' });
        return Promise.resolve(completed());
      });
      const jobId = await h.enqueue();
      const [line] = await said(h, jobId, 1);
      expect(line).toContain('[redacted]');
      expect(line).not.toContain('canary');
      expect(h.log.events.some(({ event }) => event === 'run.started')).toBe(true);
    });

    test('a job that said nothing has no lines, and neither has one that is not there', async () => {
      const h = late();
      expect(await h.queue.logs(await h.enqueue())).toEqual([]);
      expect(await h.queue.logs(randomUUID())).toEqual([]);
      expect(await h.queue.logs('not-an-id')).toEqual([]);
    });
  });
}
