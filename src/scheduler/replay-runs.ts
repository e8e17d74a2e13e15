// What becomes of dead `sync.run` jobs when somebody replays them. Their runs were failed meanwhile, and a settled run never
// begins again: a new run of the same stream takes its place, and the dead letter is done with.

import type { DecideFates, Fate } from '../../queues/replay-batch.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { isUuid } from '../core/ids.ts';
import { lockRuns } from '../store/run-of-job.ts';
import type { CostOf } from './sync-job.ts';
import { triggerIn } from './trigger.ts';

export interface ReplayRunsDeps {
  readonly clock: Clock;
  readonly costOf?: CostOf;
}

export function runIdOf(payload: unknown): string | null {
  const { runId } = (payload ?? {}) as { readonly runId?: unknown };
  return typeof runId === 'string' && isUuid(runId) ? runId : null;
}

/** A stream that cannot run now (paused, parked, gone) keeps its dead letter. */
export function replayRuns(deps: ReplayRunsDeps): DecideFates {
  return async function decideFates(tx, jobs, queue) {
    const runIds = jobs.flatMap(({ payload }) => runIdOf(payload) ?? []);
    const runs = await lockRuns(tx, runIds);
    const fates = new Map<string, Fate>();
    for (const { id, payload, workClass } of jobs) {
      const run = runs.get(runIdOf(payload) ?? '');
      if (run === undefined) continue;
      const { integrationId, stream, syncType, isSettled } = run;
      const request = { integrationId, stream, syncType, workClass, trigger: 'manual' } as const;
      try {
        if (!isSettled) fates.set(id, 'again');
        else {
          await tx.savepoint(() => triggerIn(tx, { ...deps, queue }, request));
          fates.set(id, 'replaced');
        }
      } catch (error) {
        if (!(error instanceof AppError && error.kind === 'config')) throw error;
      }
    }
    return fates;
  };
}
