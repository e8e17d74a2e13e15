// Looks after the jobs in hand: fires the signal of those that somebody cancelled or took over, and tells their progress.
// It reads the ledger, because a notification may be lost.

import { sleep } from '../src/core/async.ts';
import type { Database } from '../src/db/database.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import type { JobRun } from './job-run.ts';
import { heldBy, saveProgress } from './ledger-claims.ts';

export interface WatchOptions {
  readonly db: Database;
  readonly workerId: string;
  readonly log: EventLog;
  readonly runs: ReadonlySet<JobRun>;
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

async function look({ db, workerId, runs }: WatchOptions): Promise<void> {
  // Only runs that were in hand before the question: a job claimed meanwhile may be missing from the answer.
  const before = [...runs];
  const progress = before.flatMap((run) => {
    const told = run.takeProgress();
    return told === null ? [] : [{ id: run.job.row.id, claim: run.job.row.claim, ...told }];
  });
  const held = await db.tx({ kind: 'ops' }, async (tx) => {
    await saveProgress(tx, progress, workerId);
    return await heldBy(tx, workerId);
  });
  const claims = new Map(held.map((claim) => [claim.id, claim]));
  for (const run of before) {
    const { id, claim } = run.job.row;
    const current = claims.get(id);
    // A run that has just been settled is missing too; it no longer listens.
    if (current === undefined || current.claim !== claim) run.stop('claim_lost');
    else if (current.cancelRequested) run.stop('cancelled');
  }
}

/** Runs until the signal fires. */
export async function watchClaims(options: WatchOptions): Promise<void> {
  const { runs, everyMs, signal, log } = options;
  while (!signal.aborted) {
    if (runs.size > 0) await look(options).catch((error: unknown) => log.emit('loop.failed', { part: 'watch', error }));
    await sleep(everyMs, signal).catch(() => undefined);
  }
}
