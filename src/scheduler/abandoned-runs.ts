// Runs whose jobs somebody took out of the queue: they end too, or they would be given other jobs within seconds.

import type { Tx } from '../db/database.ts';
import { cancelRun } from '../store/runs.ts';
import { runIdOf } from './replay-runs.ts';

interface Abandoned {
  readonly kind: string;
  readonly payload: unknown;
}

export async function cancelAbandonedRuns(tx: Tx, jobs: readonly Abandoned[], now: Date): Promise<void> {
  for (const { kind, payload } of jobs) {
    const runId = kind === 'sync.run' ? runIdOf(payload) : null;
    if (runId !== null) await cancelRun(tx, runId, now);
  }
}
