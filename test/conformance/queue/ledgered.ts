// What only jobs can have that are in the ledger from the start: a part in somebody's transaction, a place in front of the
// engine, and a life beyond the engine's memory.

import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { uuidv7 } from '../../../src/core/ids.ts';
import { completed } from '../../../queues/outcome.ts';
import { skipUnless } from '../../support/skip.ts';
import { claimOne } from './claims.ts';
import { done, eventually, frozen, type Harness } from './harness.ts';

export function ledgeredArea(late: () => Harness): void {
  describe('a transaction', () => {
    test('that enqueues a job makes it exist when it commits', async () => {
      const h = late();
      const runs: string[] = [];
      await h.consume((job) => Promise.resolve(completed(runs.push(job.jobId))));
      const undone = h.databases.scheduler.tx({ kind: 'none' }, async (tx) => {
        await h.queue.enqueue(h.request(), { tx });
        throw new Error('undo');
      });
      await expect(undone).rejects.toThrow('undo');
      const kept = await h.databases.scheduler.tx({ kind: 'none' }, (tx) => h.queue.enqueue(h.request(), { tx }));
      await h.until(kept.jobId, 'completed');
      expect(runs).toEqual([kept.jobId]);
    });
  });

  describe('admission', () => {
    test('a user holds at most 20 due jobs in the engine; the rest follow as they end', async () => {
      const h = late();
      const userId = randomUUID();
      const jobs = await h.queue.enqueueMany(Array.from({ length: 50 }, () => h.request({ userId })));
      expect(await h.driver.missing(jobs.map(({ jobId }) => ({ id: jobId, queue: h.lane.queue })))).toHaveLength(30);
      await h.consume(done);
      await eventually(async () => (await h.queue.counts(h.lane.queue)).waiting === 0);
      await h.until(jobs.at(-1)!.jobId, 'completed');
    });
  });

  describe('the ledger', () => {
    // Short jobs are claimed ahead, so that some of them may change places.
    test('higher classes and priorities run first, and among equals the older one', async () => {
      const h = late();
      const [last, third, fourth] = [await h.enqueue({ workClass: 'backfill' }), await h.enqueue(), await h.enqueue()];
      const second = await h.enqueue({ priority: 5 });
      const first = await h.enqueue({ workClass: 'interactive' });
      const order: string[] = [];
      await h.consume((job) => Promise.resolve(completed(order.push(job.jobId))), { concurrency: 1 });
      await eventually(() => order.length === 5);
      expect(order).toEqual([first, second, third, fourth, last]);
    });

    test('a stored payload that does not fit, or an unknown kind, goes to the dead letter with the reason', async () => {
      const h = late();
      const [bad, unknown] = [await h.enqueue(), await h.enqueue()];
      await h.asSuperuser(`update job_ledger set payload = '{"x": 1}' where id = $1`, [bad]);
      await h.asSuperuser(`update job_ledger set kind = 'no.such' where id = $1`, [unknown]);
      await h.consume(done);
      expect((await h.until(bad, 'dead')).error?.code).toBe('queue.payload_invalid');
      expect((await h.until(unknown, 'dead')).error?.code).toBe('queue.unknown_kind');
    });

    test('an engine job without a ledger row never reaches a handler', async () => {
      const h = late();
      const stray = {
        id: randomUUID(),
        queue: h.lane.queue,
        kind: h.lane.kind,
        payload: h.request().payload,
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

    test('a claim that cannot be marked goes back and spends nothing', async () => {
      const h = late();
      const jobId = await h.enqueue();
      await h.asSuperuser('revoke update on job_ledger from tidemark_worker');
      try {
        await h.consume(done);
        await eventually(() => h.log.events.some(({ event }) => event === 'loop.failed'));
        expect(await h.queue.get(jobId)).toMatchObject({ state: 'waiting', attempts: 0 });
      } finally {
        await h.asSuperuser('grant update on job_ledger to tidemark_worker');
      }
      expect(await h.until(jobId, 'completed')).toMatchObject({ attempts: 1, takeovers: 0 });
    });
  });

  describe('a loss', () => {
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
      const jobId = await h.enqueue();
      const { workerId } = await h.dieWith(jobId);
      await h.lose(jobId);
      await h.reconciler.takeOver([workerId]);
      await h.consume(done);
      await h.until(jobId, 'completed');
    });

    test('a job that the engine lost while in hand ends all the same', async () => {
      const h = late();
      const slow = frozen();
      await h.consume(slow.handler);
      const jobId = await h.enqueue();
      await h.until(jobId, 'active');
      await h.lose(jobId);
      slow.release();
      expect((await h.until(jobId, 'completed')).result).toBe('too late');
      expect(await h.reconciler.restoreLost()).toBe(0);
    });

    test('a snoozed job that the engine lost sleeps on', async () => {
      const h = late();
      const jobId = await h.enqueue();
      await h.asSuperuser(`update job_ledger set run_at = now() + interval '1 hour' where id = $1`, [jobId]);
      await h.lose(jobId);
      expect(await h.reconciler.restoreLost()).toBe(1);
      await h.consume(done);
      await h.until(await h.enqueue(), 'completed');
      expect((await h.queue.get(jobId))?.state).toBe('delayed');
      expect((await h.driver.get(jobId))?.state).toBe('delayed');
    });

    test('a claim that nobody marked, of a worker that nobody knows, goes back after a moment', async () => {
      const h = late();
      const jobId = await h.enqueue();
      await claimOne(h, uuidv7());
      await eventually(async () => (await h.reconciler.restoreLost()) === 1);
      await h.consume(done);
      expect(await h.until(jobId, 'completed')).toMatchObject({ attempts: 1, takeovers: 0 });
    });

    test('a claim whose answer was lost goes back, although its worker lives', async () => {
      const h = late();
      const { workerId } = await h.consume(done);
      const jobId = await h.enqueue({ runAt: new Date(Date.now() + 60_000) });
      // As after an update that was committed and never answered.
      await h.asSuperuser(
        `update job_ledger
         set state = 'active', worker_id = $2, claim = claim + 1, attempts = 1, started_at = now() - interval '10 seconds'
         where id = $1`,
        [jobId, workerId],
      );
      expect(await h.until(jobId, 'completed')).toMatchObject({ attempts: 1, takeovers: 0 });
    });

    test('an engine that lost everything is noticed, and holds at once what it should', async (context) => {
      const h = late();
      skipUnless(context, h.wipe, 'needs an engine that may lose what Postgres keeps');
      const inHand = await h.enqueue();
      const { workerId } = await h.dieWith(inHand);
      const jobs = [await h.enqueue(), await h.enqueue()];
      const reconciler = h.reconcilerWith({ graceMs: 60_000 });
      expect(await reconciler.wasWiped()).toBe(false);
      await h.wipe();
      expect(await reconciler.wasWiped()).toBe(true);
      expect(await reconciler.wasWiped(), 'until it is made up for').toBe(true);
      expect(await reconciler.restoreLost()).toBe(2);
      expect(await reconciler.wasWiped()).toBe(false);
      await h.reconciler.takeOver([workerId]);
      await h.consume(done);
      for (const jobId of [...jobs, inHand]) await h.until(jobId, 'completed');
    });

    test('a job enqueued while the engine is away is accepted, and runs when it is back', async (context) => {
      const h = late();
      skipUnless(context, h.leave, 'needs an engine that may be away while Postgres is there');
      await h.consume(done);
      await h.until(await h.enqueue(), 'completed');
      const comeBack = await h.leave();
      const jobs = await Promise.all([h.enqueue(), h.enqueue()]);
      await comeBack();
      await eventually(async () => (await h.reconciler.restoreLost().catch(() => 0)) === 2);
      for (const jobId of jobs) await h.until(jobId, 'completed');
    });

    test('what the ledger accepted is not refused for a derived job beside it', async (context) => {
      const h = late();
      skipUnless(context, h.leave, 'needs an engine that may be away while Postgres is there');
      const comeBack = await h.leave();
      const [accepted, refused] = await Promise.allSettled([
        h.enqueue(),
        h.queue.enqueue({
          kind: 'metrics.rollup',
          payload: { userId: randomUUID(), day: '2026-03-01' },
          userId: null,
        }),
      ]);
      await comeBack();
      expect([accepted.status, refused.status]).toEqual(['fulfilled', 'rejected']);
      const waiting = await h.queue.list({ queue: 'maintenance', states: ['waiting'] });
      expect(waiting.map(({ id }) => id)).toEqual([(accepted as PromiseFulfilledResult<string>).value]);
    });
  });
}
