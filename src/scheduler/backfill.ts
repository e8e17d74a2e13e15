// A window of one stream's past, because somebody asked. It never stands for a usual pass nor a usual pass for it: both
// have places of their own, and a worker reads the stream for one of them at a time.

import { AppError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import type { Tx } from '../db/database.ts';
import { insertBackfill, joinBackfill, type NewBackfill, type Window } from '../store/backfills.ts';
import type { RunTrigger } from '../store/runs.ts';
import { lockStreams, type StreamKey } from '../store/streams.ts';
import { syncJobOf } from './sync-job.ts';
import { chooseStreams, requireRunnable, type TriggerDeps, type TriggeredRun } from './trigger.ts';

export interface BackfillRequest extends StreamKey, Window {
  readonly trigger: RunTrigger;
}

export interface TriggeredBackfill extends TriggeredRun {
  readonly batchId: string;
}

function assertWindow({ from, to }: Window, now: Date): void {
  if (from >= now)
    throw new AppError('input.invalid', `expected a window that begins in the past, got ${from.toISOString()}`);
  if (to !== null && to <= from)
    throw new AppError(
      'input.invalid',
      `expected a window that ends after it begins, got ${from.toISOString()} to ${to.toISOString()}`,
    );
}

/**
 * Throws `input.invalid` for a window without a past and for a stream that cannot run, `not_found`, and `api.conflict`
 * when two other backfills of the stream are waiting already.
 */
export async function backfillIn(
  tx: Tx,
  deps: Omit<TriggerDeps, 'db'>,
  { integrationId, stream, from, to, trigger }: BackfillRequest,
): Promise<TriggeredBackfill> {
  const now = deps.clock.now();
  assertWindow({ from, to }, now);
  const streams = await lockStreams(tx, integrationId, [stream]);
  const { platformId } = await requireRunnable(tx, integrationId);
  const { userId } = chooseStreams(streams, { integrationId, stream })[0]!;
  const batchId = uuidv7(now.getTime());
  const workClass = 'backfill';
  const run = {
    id: uuidv7(now.getTime()),
    userId,
    integrationId,
    stream,
    trigger,
    workClass,
    batchId,
    from,
    to,
  } as const;
  if (await insertBackfill(tx, run, { status: 'queued', now })) {
    await deps.queue.enqueueMany([syncJobOf({ ...run, runId: run.id, platformId }, deps.costOf)], { tx });
    return { batchId, stream, runId: run.id, coalesced: false };
  }
  return { batchId, stream, runId: await followOrJoin(tx, run, now), coalesced: true };
}

async function followOrJoin(tx: Tx, run: NewBackfill, now: Date): Promise<string> {
  const joined = await joinBackfill(tx, run, run);
  if (joined !== null) return joined;
  if (await insertBackfill(tx, run, { status: 'pending', now })) return run.id;
  throw new AppError(
    'api.conflict',
    `another backfill of ${run.stream} is waiting for its turn, with a window that does not meet this one: try again later`,
  );
}
