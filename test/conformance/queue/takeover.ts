import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { completed, snooze } from '../../../queues/outcome.ts';
import type { JobContext } from '../../../queues/port.ts';
import { done, eventually, type Harness, type TestHandler } from './harness.ts';

/** A handler like that of a process that stopped: it neither ends nor hears its signal until `release`. */
function frozen() {
  const gate = Promise.withResolvers<void>();
  const jobs: JobContext[] = [];
  const handler: TestHandler = async (job) => {
    jobs.push(job);
    await gate.promise;
    return completed('too late');
  };
  return { handler, jobs, release: gate.resolve };
}

export function takeoverArea(late: () => Harness): void {
  describe('takeover and reconciliation', () => {
    test('jobs of a dead worker go to another one at once and spend no attempt', async () => {
      const h = late();
      const dead = frozen();
      const { workerId } = await h.consume(dead.handler, { watchMs: 60_000, concurrency: 1 });
      const jobId = await h.enqueue();
      await h.until(jobId, 'active');
      const seen: JobContext[] = [];
      await h.consume((job) => Promise.resolve(completed(seen.push(job))));
      expect(await h.reconciler.takeOver([workerId])).toEqual({ requeued: 1, poisoned: 0 });
      const job = await h.until(jobId, 'completed');
      expect(seen).toMatchObject([{ jobId, attempt: 1, takeovers: 1 }]);
      expect(job).toMatchObject({ attempts: 1, takeovers: 1, result: 1 });
      dead.release();
      await eventually(() => h.log.events.some(({ event }) => event === 'job.late_settle'));
      expect((await h.queue.get(jobId))?.result).toBe(1);
    });

    test('a worker that lives and lost its claim has its signal fired', async () => {
      const h = late();
      const alive = frozen();
      const { workerId } = await h.consume(alive.handler, { concurrency: 1 });
      const jobId = await h.enqueue();
      await h.until(jobId, 'active');
      await h.reconciler.takeOver([workerId]);
      await eventually(() => alive.jobs[0]?.signal.aborted === true);
      alive.release();
    });

    test('a worker that was declared dead by mistake may be given its own job again', async () => {
      const h = late();
      const old = frozen();
      const handler: TestHandler = (job) =>
        job.takeovers === 0 ? old.handler(job) : Promise.resolve(completed('second'));
      const { workerId } = await h.consume(handler);
      const jobId = await h.enqueue();
      await h.until(jobId, 'active');
      await h.reconciler.takeOver([workerId]);
      expect((await h.until(jobId, 'completed')).result).toBe('second');
      await eventually(() => old.jobs[0]?.signal.aborted === true);
      old.release();
    });

    test('a job that was in hand when too many workers died is poison', async () => {
      const h = late();
      const jobId = await h.enqueue();
      for (let death = 1; death <= 5; death++) {
        const dead = frozen();
        const consumer = await h.consume(dead.handler, { watchMs: 60_000, concurrency: 1 });
        await h.until(jobId, 'active');
        const taken = await h.reconciler.takeOver([consumer.workerId]);
        expect(taken).toEqual(death < 5 ? { requeued: 1, poisoned: 0 } : { requeued: 0, poisoned: 1 });
        dead.release();
        await consumer.stop();
      }
      expect(await h.queue.get(jobId)).toMatchObject({
        state: 'dead',
        takeovers: 5,
        error: { code: 'queue.poisoned' },
      });
    });

    test('a job that came back by itself is no poison: its takeovers count anew', async () => {
      const h = late();
      const dead = frozen();
      const { workerId } = await h.consume(dead.handler, { watchMs: 60_000, concurrency: 1 });
      const jobId = await h.enqueue();
      await h.until(jobId, 'active');
      const takeovers: number[] = [];
      await h.consume((job) =>
        Promise.resolve(takeovers.push(job.takeovers) === 1 ? snooze(1, 'next slice') : completed()),
      );
      await h.reconciler.takeOver([workerId]);
      await h.until(jobId, 'completed');
      expect(takeovers).toEqual([1, 0]);
      dead.release();
    });

    test('a job that the engine lost is added again', async () => {
      const h = late();
      const jobId = await h.enqueue();
      await h.lose(jobId);
      const later = await h.enqueue();
      expect(await h.reconciler.restoreLost()).toBe(1);
      expect(await h.reconciler.restoreLost()).toBe(0);
      await h.consume(done);
      await h.until(jobId, 'completed');
      await h.until(later, 'completed');
      expect(h.log.events.filter(({ event }) => event === 'job.lost_restored')).toHaveLength(1);
    });

    test('a job that the engine lost while in hand is put back all the same', async () => {
      const h = late();
      const dead = frozen();
      const { workerId } = await h.consume(dead.handler, { watchMs: 60_000, concurrency: 1 });
      const jobId = await h.enqueue();
      await h.until(jobId, 'active');
      await h.lose(jobId);
      await h.reconciler.takeOver([workerId]);
      await h.consume(done);
      await h.until(jobId, 'completed');
      dead.release();
    });

    test('an engine job without a ledger row never reaches a handler', async () => {
      const h = late();
      const stray = {
        id: randomUUID(),
        queue: 'maintenance',
        kind: 'credential.refresh',
        payload: { integrationId: randomUUID() },
        priority: 0,
        meta: {
          userId: null,
          class: 1,
          priority: 0,
          maxAttempts: 1,
          createdAt: new Date().toISOString(),
          ledgered: true,
          uniqueKey: null,
        },
      };
      await h.driver.add([stray]);
      const ran: string[] = [];
      await h.consume((job) => Promise.resolve(completed(ran.push(job.jobId))));
      const jobId = await h.enqueue();
      await h.until(jobId, 'completed');
      await eventually(() => h.log.events.some(({ event }) => event === 'job.quietly_removed'));
      expect(ran).toEqual([jobId]);
      expect(await h.driver.missing([stray])).toEqual([stray.id]);
    });

    test('two consumers never run one job twice', async () => {
      const h = late();
      const runs = new Map<string, number>();
      const handler: TestHandler = (job) =>
        Promise.resolve(completed(runs.set(job.jobId, (runs.get(job.jobId) ?? 0) + 1).size));
      await Promise.all([h.consume(handler), h.consume(handler), h.consume(handler)]);
      const request = { kind: 'credential.refresh' as const, payload: { integrationId: randomUUID() }, userId: null };
      await h.queue.enqueueMany(Array.from({ length: 200 }, () => request));
      await eventually(() => runs.size === 200);
      expect(Math.max(...runs.values())).toBe(1);
    });
  });
}
