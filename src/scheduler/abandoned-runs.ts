// Runs whose jobs somebody took out of the queue: they end too, or they would be given other jobs within seconds.

import type { Tx } from '../db/database.ts';
import type { RunJob } from '../store/run-of-job.ts';
import { cancelRun } from '../store/runs.ts';
import { runIdOf } from './replay-runs.ts';

/** A job stands for a run of its own user only, whatever its payload names. */
export async function cancelAbandonedRuns(tx: Tx, jobs: readonly RunJob[], now: Date): Promise<void> {
  for (const { kind, userId, payload } of jobs) {
    const runId = kind === 'sync.run' ? runIdOf(payload) : null;
    if (runId !== null) await cancelRun(tx, { runId, userId }, now);
  }
}
