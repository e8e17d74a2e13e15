// What becomes of dead `sync.run` jobs when somebody replays them. Their runs were failed meanwhile, and a settled run never
// begins again: a new run of the same stream takes its place, and the dead letter is done with.

import type { DecideFates, Fate } from '../../queues/replay-batch.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { isUuid } from '../core/ids.ts';
import type { WorkClass } from '../core/work-class.ts';
import type { Tx } from '../db/database.ts';
import { lockRuns, type ReplayableRun } from '../store/run-of-job.ts';
import { backfillIn } from './backfill.ts';
import type { CostOf } from './sync-job.ts';
import { triggerIn, type TriggerDeps } from './trigger.ts';

export interface ReplayRunsDeps {
  readonly clock: Clock;
  readonly costOf?: CostOf;
}

export function runIdOf(payload: unknown): string | null {
  const { runId } = (payload ?? {}) as { readonly runId?: unknown };
  return typeof runId === 'string' && isUuid(runId) ? runId : null;
}

function replace(tx: Tx, deps: Omit<TriggerDeps, 'db'>, run: ReplayableRun, workClass: WorkClass): Promise<unknown> {
  const { integrationId, stream, syncType, from, to } = run;
  const trigger = 'manual';
  return syncType === 'backfill' && from !== null
    ? backfillIn(tx, deps, { integrationId, stream, from, to, trigger })
    : triggerIn(tx, deps, {
        integrationId,
        stream,
        syncType: syncType === 'full' ? 'full' : 'incremental',
        workClass,
        trigger,
      });
}

/** A stream that cannot run now (paused, parked, gone) keeps its dead letter. */
export function replayRuns(deps: ReplayRunsDeps): DecideFates {
  return async function decideFates(tx, jobs, queue) {
    const runIds = jobs.flatMap(({ payload }) => runIdOf(payload) ?? []);
    const runs = await lockRuns(tx, runIds);
    const fates = new Map<string, Fate>();
    for (const { id, userId, payload, workClass } of jobs) {
      const run = runs.get(runIdOf(payload) ?? '');
      // Of another user: as if it were gone.
      if (run === undefined || run.userId !== userId) continue;
      try {
        if (!run.isSettled) fates.set(id, 'again');
        else {
          await tx.savepoint(() => replace(tx, { ...deps, queue }, run, workClass));
          fates.set(id, 'replaced');
        }
      } catch (error) {
        const stays = error instanceof AppError && (error.kind === 'config' || error.code === 'api.conflict');
        if (!stays) throw error;
      }
    }
    return fates;
  };
}
