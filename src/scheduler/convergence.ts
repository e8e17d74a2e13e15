// Brings runs and jobs back in step after anything was lost: a job row deleted, a transaction that died between two
// systems, a clock that jumped. Postgres is the truth; what a run says must happen has a job that does it.

import { SECOND_MS } from '../core/duration.ts';
import type { Tx } from '../db/database.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import {
  failRunsOfDeadJobs,
  promoteStrandedRuns,
  requeueJoblessRuns,
  requeueLeaselessRuns,
  type Age,
  type RunToEnqueue,
} from '../store/stray-runs.ts';
import type { SchedulerDeps } from './claim-due.ts';
import { syncJobOf } from './sync-job.ts';

export interface ConvergenceOptions extends SchedulerDeps {
  /** Default 5 s. */
  readonly everyMs?: number;
  /** Runs younger than this are left alone; default 5 s. */
  readonly graceMs?: number;
}

export interface Converged {
  /** Runs without a job that have one again. */
  readonly restored: number;
  /** `running` runs that nobody works on and that are `queued` again. */
  readonly requeued: number;
  /** Runs whose job is a dead letter and that failed now. */
  readonly failed: number;
  /** Pending runs behind nobody that were queued. */
  readonly promoted: number;
}

/** One bounded pass; safe beside schedulers, workers and other passes. */
export async function converge({ graceMs = 5 * SECOND_MS, ...deps }: ConvergenceOptions): Promise<Converged> {
  const { db, log } = deps;
  const age: Age = { graceMs, now: deps.clock.now() };
  const inTx = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => db.tx({ kind: 'none' }, work);
  const failed = await inTx((tx) => failRunsOfDeadJobs(tx, age));
  const restored = await inTx(async (tx) => await enqueue(tx, deps, await requeueJoblessRuns(tx, age)));
  const requeued = await inTx((tx) => requeueLeaselessRuns(tx, age));
  const promoted = await inTx(async (tx) => await enqueue(tx, deps, await promoteStrandedRuns(tx)));
  if (restored > 0) log.emit('job.lost_restored', { jobs: restored });
  return { restored, requeued, failed, promoted };
}

async function enqueue(
  tx: Tx,
  { queue, costOf }: Pick<SchedulerDeps, 'queue' | 'costOf'>,
  runs: readonly RunToEnqueue[],
): Promise<number> {
  const jobs = runs.map((run) => syncJobOf(run, costOf));
  if (jobs.length > 0) await queue.enqueueMany(jobs, { tx });
  return jobs.length;
}

export function createConvergence(options: ConvergenceOptions): Loop {
  const { clock, log, everyMs = 5 * SECOND_MS } = options;
  const pass = async (): Promise<void> => void (await converge(options));
  return createLoop({ name: 'run-convergence', everyMs, pass, log, clock });
}
