// Workers that are killed, stopped, blocked, cut off and drained in the middle of a sync, as real processes against a real
// database: whatever happens to them, the store ends as the platform is, and nothing is stored twice.

import { describe, expect, it } from 'vitest';
import { STEPS } from '../../src/sync/steps.ts';
import { createRandom } from '../simulators/random.ts';
import { expectConsistent, expectFinished } from '../support/kill-checks.ts';
import { createKillWorld, isSettled, type Account, type KillableWorker } from '../support/kill-world.ts';
import { waitFor } from '../support/wait.ts';

const world = await createKillWorld({ postings: 1_200, proposals: 60 });

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
  const order = random.sample(STEPS, STEPS.length);

  /** Connects another user whenever the work runs out before the trap closes. */
  async function keepBusyUntilDead(victim: KillableWorker, accounts: Account[]): Promise<void> {
    const deadOrIdle = (): Promise<boolean> => Promise.resolve(victim.isGone() || isSettled(world.database));
    while (!victim.isGone()) {
      await waitFor(deadOrIdle, { timeoutMs: 30_000, what: 'the worker to die' });
      if (!victim.isGone()) accounts.push(await world.connect());
    }
  }

  it('at any step boundary of a page loses and doubles nothing', { timeout: 180_000 }, async () => {
    for (let at = 0; at < order.length; at += DEATHS_PER_SYNC) {
      const accounts = [await world.connect(), await world.connect()];
      for (const step of order.slice(at, at + DEATHS_PER_SYNC)) {
        const nth = step.startsWith('run.') ? 1 : random.int(1, 6);
        const victim = world.startWorker({ step, nth, does: 'SIGKILL' });
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
