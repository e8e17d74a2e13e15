// What only jobs can have that the engine alone knows: no trace in the ledger while all goes well, and a way into it when
// something is up.

import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { uuidv7 } from '../../../src/core/ids.ts';
import { completed, snooze } from '../../../queues/outcome.ts';
import { unledgeredJobOf } from '../../../queues/ledger.ts';
import { claimOne } from './claims.ts';
import { done, eventually, frozen, type Harness, type TestHandler } from './harness.ts';

const rowsOf = (h: Harness) => h.asSuperuser<{ id: string; state: string }>('select id, state from job_ledger');

/** Every insert into the ledger from now on, kept beyond the row. */
async function watchLedger({ asSuperuser }: Harness): Promise<() => Promise<readonly string[]>> {
  await asSuperuser(`
    create table if not exists ledger_inserts (id uuid);
    truncate ledger_inserts;
    create or replace function note_insert() returns trigger language plpgsql security definer as
      $$ begin insert into public.ledger_inserts values (new.id); return new; end $$;
    create or replace trigger note_insert before insert on job_ledger for each row execute function note_insert()`);
  return async () => (await asSuperuser<{ id: string }>('select id from ledger_inserts')).map(({ id }) => id);
}

export function derivedArea(late: () => Harness): void {
  describe('outside of the ledger', () => {
    test('a job that goes well leaves no trace in the ledger', async () => {
      const h = late();
      const entered = await watchLedger(h);
      const enqueued = await h.queue.enqueueMany(Array.from({ length: 20 }, () => h.request()));
      await h.consume(done);
      for (const { jobId } of enqueued) expect(await h.until(jobId, 'completed')).toMatchObject({ attempts: 1 });
      expect(await entered()).toEqual([]);
    });

    test('an enqueue in a transaction is refused: that one writes what the job is derived from', async () => {
      const h = late();
      const enqueuing = h.databases.scheduler.tx({ kind: 'none' }, (tx) => h.queue.enqueue(h.request(), { tx }));
      await expect(enqueuing).rejects.toMatchObject({ code: 'usage.invalid' });
      expect(await h.queue.list({ states: ['waiting'] })).toEqual([]);
    });

    test('a payload that does not fit, or an unknown kind, goes to the dead letter with the reason', async () => {
      const h = late();
      const facts = { queue: h.lane.queue, userId: null, class: 1, priority: 0, maxAttempts: 5, createdAt: new Date() };
      const bad = { ...facts, id: uuidv7(), kind: h.lane.kind, payload: h.lane.unfit, uniqueKey: 'bad' };
      const unknown = { ...facts, id: uuidv7(), kind: 'no.such', payload: {}, uniqueKey: null };
      await h.driver.add([bad, unknown].map(unledgeredJobOf));
      await h.consume(done);
      expect((await h.until(bad.id, 'dead')).error?.code).toBe('queue.payload_invalid');
      expect((await h.until(unknown.id, 'dead')).error?.code).toBe('queue.unknown_kind');
      await eventually(async () => (await h.driver.counts(h.lane.queue)).active === 0);
    });
  });

  describe('into the ledger', () => {
    test('a job that takes long is in the ledger until it ends', async () => {
      const h = late();
      const slow = frozen();
      const { workerId } = await h.consume(slow.handler);
      const jobId = await h.enqueue();
      const [row] = await eventually(async () => {
        const rows = await rowsOf(h);
        return rows.length > 0 && rows;
      });
      expect(row).toEqual({ id: jobId, state: 'active' });
      expect(await h.queue.get(jobId)).toMatchObject({ state: 'active', workerId, attempts: 1 });
      slow.release();
      expect(await h.until(jobId, 'completed')).toMatchObject({ attempts: 1, result: 'too late' });
      expect(await rowsOf(h)).toEqual([]);
    });

    test('a job that failed once is in the ledger from then on, and is restored when the engine loses it', async () => {
      const h = late();
      let isDown = true;
      await h.consume((job) => {
        if (isDown) throw new AppError('platform.rate_limited', 'slow down', { retryAfterMs: 60_000 });
        return Promise.resolve(completed(job.attempt));
      });
      const jobId = await h.enqueue();
      await h.until(jobId, 'delayed');
      await h.lose(jobId);
      isDown = false;
      await h.asSuperuser('update job_ledger set run_at = now()');
      expect(await h.reconciler.restoreLost()).toBe(1);
      expect((await h.until(jobId, 'completed')).result).toBe(1);
    });

    test('one key stands for one job, also when only the ledger still knows the first of them', async () => {
      const h = late();
      const ran: string[] = [];
      await h.consume((job) => Promise.resolve(ran.push(job.jobId) < 3 ? snooze(60_000, 'later') : completed()));
      const first = await h.enqueue({ uniqueKey: 'k' });
      await h.until(first, 'delayed');
      await h.lose(first);
      const second = await h.enqueue({ uniqueKey: 'k' });
      await h.until(second, 'cancelled');
      await h.asSuperuser('update job_ledger set run_at = now()');
      expect(await h.reconciler.restoreLost()).toBe(1);
      await h.until(first, 'completed');
      expect(ran).toEqual([first, second, first]);
    });
  });

  describe('a worker that lives', () => {
    test('gives back a claim whose answer never reached it', async () => {
      const h = late();
      const workerId = uuidv7();
      const jobId = await h.enqueue();
      await claimOne(h, workerId);
      await h.consume(done, { workerId });
      expect((await h.until(jobId, 'completed')).attempts).toBe(1);
    });

    test('keeps what it claimed ahead, however long that lies', async () => {
      const h = late();
      const slow = frozen();
      const consumer = await h.consume(slow.handler, { concurrency: 1 });
      const [first, second] = [await h.enqueue(), await h.enqueue()];
      await eventually(async () => (await h.driver.counts(h.lane.queue)).active === 2);
      const lost = await h.enqueue();
      await claimOne(h, consumer.workerId);
      await eventually(() => h.log.events.some(({ fields }) => fields['jobId'] === lost));
      expect(await h.driver.get(second)).toMatchObject({ state: 'active', output: { workerId: consumer.workerId } });
      slow.release();
      for (const jobId of [first, second, lost]) await h.until(jobId, 'completed');
      expect(slow.jobs.map(({ jobId }) => jobId)).toEqual([first, second, lost]);
    });
  });

  describe('a late worker', () => {
    /** Taken over without its knowledge, and ended by another one since. */
    async function overtaken(h: Harness, ending: TestHandler): Promise<{ jobId: string; wakeUp: () => void }> {
      const jobId = await h.enqueue();
      const { workerId, release } = await h.dieWith(jobId, ending);
      await h.reconciler.takeOver([workerId]);
      await h.consume(done);
      await h.until(jobId, 'completed');
      return { jobId, wakeUp: release };
    }

    const endings: readonly (readonly [string, TestHandler])[] = [
      ['fails', () => Promise.reject(new AppError('http.unavailable', 'down'))],
      ['snoozes', () => Promise.resolve(snooze(0, 'later'))],
      ['dies of its job', () => Promise.reject(new AppError('platform.scope_missing', 'no scope'))],
    ];

    test.each(endings)('that %s brings nothing back', async (_how, ending) => {
      const h = late();
      const { jobId, wakeUp } = await overtaken(h, ending);
      wakeUp();
      await eventually(() => h.log.events.some(({ event }) => event === 'job.late_settle'));
      expect(await rowsOf(h)).toEqual([]);
      expect((await h.queue.get(jobId))?.state).toBe('completed');
    });

    test('that still works on its job does not enter the ledger with it', async () => {
      const h = late();
      const old = frozen();
      const { workerId } = await h.consume((job) => (job.takeovers === 0 ? old.handler(job) : done(job)), {
        watchMs: 200,
      });
      const jobId = await h.enqueue();
      await eventually(() => old.jobs.length === 1);
      await h.reconciler.takeOver([workerId]);
      await h.until(jobId, 'completed');
      await eventually(() => old.jobs[0]!.signal.aborted);
      expect(await rowsOf(h)).toEqual([]);
    });
  });
}
