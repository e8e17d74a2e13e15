// The handler of `sync.run`: one slice of one pass over one stream, as a list of steps.
//
//   lease → take the stream → plan → read, validate and commit page by page → settle → metrics → give the lease back

import { discard, type Outcome } from '../../queues/outcome.ts';
import type { Handler, JobContext } from '../../queues/port.ts';
import { reportOf } from '../core/errors.ts';
import { acquireLease, releaseLease } from '../store/stream-leases.ts';
import { flushMetrics } from './flush-metrics.ts';
import { planTaken, takeRun, type Taken } from './open-run.ts';
import { readSlice } from './read-slice.ts';
import { reachStep, type SyncRunDeps } from './run-state.ts';
import { settleFailure, settleSlice } from './settle-run.ts';

export type { SyncRunDeps } from './run-state.ts';

export function createSyncRunHandler(deps: SyncRunDeps): Handler<'sync.run'> {
  return async (job) => {
    const token = await acquireLease(deps.db, job.jobId, job.workerId);
    if (token === null) return discard('the job is no longer this worker’s');
    try {
      const opening = await takeRun(deps, job, token);
      return opening.kind === 'settled' ? opening.outcome : await runSlice(deps, job, opening);
    } finally {
      await giveBack(deps, token);
    }
  };
}

async function runSlice(deps: SyncRunDeps, job: JobContext<'sync.run'>, taken: Taken): Promise<Outcome> {
  try {
    await reachStep(deps, 'run.leased');
    const run = await planTaken(deps, job, taken);
    await reachStep(deps, 'run.planned');
    const end = await readSlice(deps, run);
    await reachStep(deps, 'run.read');
    const outcome = await settleSlice(deps, run, end);
    await reachStep(deps, 'run.finished');
    return outcome;
  } catch (error) {
    return await settleFailure(deps, job, taken.held, taken.held.secrets.mask(error));
  } finally {
    await taken.held.spends.settled();
    await flushMetrics(deps, taken.held);
  }
}

/** A lease that stays behind holds nothing back once its job is settled, so the run's own outcome matters more. */
async function giveBack({ db, log }: SyncRunDeps, token: string): Promise<void> {
  try {
    await releaseLease(db, token);
  } catch (error) {
    log.emit('lease.release_failed', { error: reportOf(error) });
  }
}
