// Workers that are killed, stopped, blocked, cut off and drained in the middle of a sync, as real processes against a real
// database: whatever happens to them, the store ends as the platform is, and nothing is stored twice.

import { describe, expect, it } from 'vitest';
import { STEPS, type StepName } from '../../src/sync/steps.ts';
import { DECLARED_DEAD_EXIT_CODE } from '../../workers/liveness.ts';
import { createRandom } from '../simulators/random.ts';
import { expectConsistent, expectFinished, fencesOf, writtenRows } from './kill-checks.ts';
import type { Trap } from './kill-worker.ts';
import { isSettled, LEASE_TTL_MS, type Account, type KillableWorker, type KillWorld } from './kill-world.ts';
import { waitFor } from './wait.ts';

/** The same on every queue engine; `steps`: boundaries at which workers are killed. */
export function killSuite(world: KillWorld, steps: readonly StepName[] = STEPS): void {
  /** A healthy worker does what is left, and drains. */
  async function finish(accounts: readonly Account[]): Promise<void> {
    const worker = world.startWorker();
    await world.settled();
    expect(await worker.stop()).toEqual([0, null]);
    await expectFinished(world, accounts);
  }

  describe('a worker killed by SIGKILL', () => {
    /** One death less than makes poison of a job that was in hand at each. */
    const DEATHS_PER_SYNC = 4;
    const random = createRandom(20_261_124);
    const order = random.sample(steps, steps.length);

    /** Connects another user whenever the work runs out before the trap closes. */
    async function keepBusyUntilDead(victim: KillableWorker, accounts: Account[]): Promise<void> {
      const deadOrIdle = (): Promise<boolean> => Promise.resolve(victim.isGone() || isSettled(world.database));
      while (!victim.isGone()) {
        await waitFor(deadOrIdle, { timeoutMs: 30_000, what: 'the worker to die' });
        if (!victim.isGone()) accounts.push(await world.connect());
      }
    }

    it('at a step boundary of a page loses and doubles nothing', { timeout: 360_000 }, async () => {
      for (let at = 0; at < order.length; at += DEATHS_PER_SYNC) {
        const accounts = [await world.connect(), await world.connect()];
        for (const step of order.slice(at, at + DEATHS_PER_SYNC)) {
          const nth = step.startsWith('run.') ? 1 : random.int(1, 6);
          const victim = world.startWorker({ at: step, nth, does: 'SIGKILL' });
          await keepBusyUntilDead(victim, accounts);
          expect(await victim.exited).toEqual([null, 'SIGKILL']);
          await expectConsistent(world, accounts);
        }
        await finish(accounts);
      }
      expect(world.events.of('job.taken_over').length).toBeGreaterThan(0);
      expect(world.events.of('job.dead')).toEqual([]);
    });
  });

  describe('a worker stopped by SIGSTOP', { timeout: 60_000 }, () => {
    const places: readonly (readonly [where: string, at: Trap['at'], nth: number])[] = [
      ['inside a page transaction', 'tx.upserted', 4],
      ['at the end of a page transaction', 'tx.marked', 3],
      ['at a page boundary', 'page.committed', 5],
      ['while it settles a job', { statement: 'delete from job_ledger' }, 1],
      ['while it claims jobs', { statement: "update job_ledger l\n    set state = 'active'" }, 1],
    ];

    it.each(places)('%s holds nobody up, and writes nothing when it wakes', async (_where, at, nth) => {
      const account = await world.connect();
      const stopped = world.startWorker({ at, nth, does: 'SIGSTOP' });
      await stopped.sprung;
      const successor = world.startWorker();
      await world.settled();
      const before = await writtenRows(world);
      stopped.signal('SIGCONT');
      expect(await stopped.exited).toEqual([DECLARED_DEAD_EXIT_CODE, null]);
      expect(await writtenRows(world)).toEqual(before);
      expect(await successor.stop()).toEqual([0, null]);
      await expectFinished(world, [account]);
    });
  });

  describe('a handler', { timeout: 60_000 }, () => {
    it('that computes for longer than the lease lasts keeps it', async () => {
      const account = await world.connect();
      const dead = world.events.of('worker.dead').length;
      const busy = world.startWorker({ at: 'page.validated', nth: 4, does: { blocksMs: 2.5 * LEASE_TTL_MS } });
      await busy.sprung;
      await world.settled();
      expect(await busy.stop()).toEqual([0, null]);
      expect(world.events.of('worker.dead').length).toBe(dead);
      await expectFinished(world, [account]);
    });

    it('that hangs loses its lease, and another worker finishes', async () => {
      const account = await world.connect();
      const trap: Trap = { at: 'page.validated', nth: 4, does: { blocksMs: 6 * LEASE_TTL_MS } };
      const hung = world.startWorker(trap, { TIDEMARK_MAX_BLOCKED_MS: '1000' });
      await hung.sprung;
      const successor = world.startWorker();
      await world.settled();
      expect(Math.max(...(await fencesOf(world, account)))).toBeGreaterThan(1);
      const before = await writtenRows(world);
      expect(await hung.exited).toEqual([DECLARED_DEAD_EXIT_CODE, null]);
      expect(await writtenRows(world)).toEqual(before);
      expect(await successor.stop()).toEqual([0, null]);
      await expectFinished(world, [account]);
    });
  });

  describe('a worker that is asked to end', { timeout: 60_000 }, () => {
    it('stops at a page boundary, puts its jobs back unspent and exits 0; another one finishes', async () => {
      const account = await world.connect();
      const draining = world.startWorker({ at: 'tx.upserted', nth: 5, does: 'SIGTERM' });
      expect(await draining.exited).toEqual([0, null]);
      await expectConsistent(world, [account]);
      const left = await world.database.asSuperuser(
        `select distinct state, attempts, takeovers from job_ledger where kind = 'sync.run'`,
      );
      expect(left).toEqual([{ state: 'admitted', attempts: 0, takeovers: 0 }]);
      await finish([account]);
    });
  });

  describe('a database', { timeout: 60_000 }, () => {
    it('that drops every connection in the middle of a page costs nothing but time', async () => {
      const account = await world.connect();
      const worker = world.startWorker({ at: 'tx.upserted', nth: 5, does: { blocksMs: 300 } });
      await worker.sprung;
      await world.database.asSuperuser(`
      select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`);
      await world.settled();
      expect(await worker.stop()).toEqual([0, null]);
      await expectFinished(world, [account]);
    });
  });
}
