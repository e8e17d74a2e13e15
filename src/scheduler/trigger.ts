// A run because somebody asked, now. A trigger is never lost and never doubled: it begins a run, folds into one that has
// not begun yet, or leaves one pending run behind the one under way.

import type { JobQueue } from '../../queues/port.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import type { PlatformId } from '../core/platforms.ts';
import type { WorkClass } from '../core/work-class.ts';
import type { Database, Tx, TxScope } from '../db/database.ts';
import { findIntegration, type Integration } from '../store/integrations.ts';
import {
  insertPendingRuns,
  insertQueuedRuns,
  joinUnstartedRun,
  type NewRun,
  type PassType,
  type RunTrigger,
} from '../store/runs.ts';
import { findUser } from '../store/users.ts';
import { lockStreams, type StreamView } from '../store/streams.ts';
import { syncJobOf, type CostOf } from './sync-job.ts';

export interface TriggerDeps {
  /** Pool of the api or the scheduler role. */
  readonly db: Database;
  readonly queue: Pick<JobQueue, 'enqueueMany'>;
  readonly clock: Clock;
  readonly costOf?: CostOf;
}

export interface RunWish {
  /** Default: incremental where the stream has a position, otherwise full. */
  readonly syncType?: PassType;
  /** Default interactive. */
  readonly workClass?: WorkClass;
  readonly trigger: RunTrigger;
}

export interface TriggerRequest extends RunWish {
  /** Whose integrations may be seen: `user` or `ops` for the api, `none` for the scheduler. */
  readonly scope: TxScope;
  readonly integrationId: string;
  /** Default: every enabled, active stream. */
  readonly stream?: string;
}

export interface TriggeredRun {
  readonly stream: string;
  readonly runId: string;
  /** True: an existing run that has not begun stands for this trigger. */
  readonly coalesced: boolean;
}

export interface Triggered {
  readonly batchId: string;
  readonly runs: readonly TriggeredRun[];
}

/**
 * Throws `not_found` for an integration or stream that the scope does not see, `input.invalid` for one that cannot run
 * (paused, disconnected, disabled, parked).
 */
export function triggerSync(deps: TriggerDeps, request: TriggerRequest): Promise<Triggered> {
  return deps.db.tx(request.scope, (tx) => triggerIn(tx, deps, request));
}

/** The same inside the caller's transaction. */
export async function triggerIn(
  tx: Tx,
  deps: Omit<TriggerDeps, 'db'>,
  request: Omit<TriggerRequest, 'scope'>,
): Promise<Triggered> {
  const names = request.stream === undefined ? null : [request.stream];
  const streams = await lockStreams(tx, request.integrationId, names);
  const { platformId } = await requireRunnable(tx, request.integrationId);
  return await beginRuns(tx, deps, { platformId, streams: chooseStreams(streams, request), request });
}

export interface Beginning {
  readonly platformId: PlatformId;
  /** Locked, and able to run. */
  readonly streams: readonly StreamView[];
  readonly request: RunWish;
}

/** Runs of locked streams: a new one each, or one that has not begun yet and stands for this wish too. */
export async function beginRuns(
  tx: Tx,
  deps: Omit<TriggerDeps, 'db'>,
  { platformId, streams, request }: Beginning,
): Promise<Triggered> {
  const now = deps.clock.now();
  const batchId = uuidv7(now.getTime());
  const wanted = streams.map((stream) => newRun(stream, request, batchId, now));
  const queued = await insertQueuedRuns(tx, wanted, now);
  const blocked = wanted.filter(({ id }) => !queued.has(id));
  const pending = await insertPendingRuns(tx, blocked, now);
  const runs: TriggeredRun[] = [];
  for (const run of wanted) {
    const isNew = queued.has(run.id) || pending.has(run.id);
    const runId = isNew ? run.id : await joinOrFollow(tx, run, now);
    runs.push({ stream: run.stream, runId, coalesced: !queued.has(run.id) });
  }
  const jobs = wanted
    .filter(({ id }) => queued.has(id))
    .map((run) => syncJobOf({ ...run, runId: run.id, platformId }, deps.costOf));
  if (jobs.length > 0) await deps.queue.enqueueMany(jobs, { tx });
  return { batchId, runs };
}

/** The queued run may begin between two statements; then a pending one follows it after all. */
async function joinOrFollow(tx: Tx, run: NewRun, now: Date): Promise<string> {
  const joined = await joinUnstartedRun(tx, run, run);
  if (joined !== null) return joined;
  const followed = await insertPendingRuns(tx, [run], now);
  if (followed.has(run.id)) return run.id;
  throw new AppError('internal', `expected an unstarted run of stream ${run.stream} to join, found none`);
}

export async function requireRunnable(tx: Tx, integrationId: string): Promise<Integration> {
  const integration = await findIntegration(tx, integrationId);
  if (integration === null) throw new AppError('not_found', `expected an existing integration, got ${integrationId}`);
  if (integration.pausedAt !== null)
    throw new AppError('input.invalid', `expected an integration that is not paused, got ${integrationId}`);
  if (integration.status === 'disconnected')
    throw new AppError('input.invalid', `expected a connected integration, got ${integrationId} (disconnected)`);
  const user = await findUser(tx, integration.userId);
  if (user?.isActive !== true)
    throw new AppError('input.invalid', `expected an integration of an active user, got ${integrationId}`);
  return integration;
}

export function chooseStreams(
  streams: readonly StreamView[],
  { stream, integrationId }: Pick<TriggerRequest, 'stream' | 'integrationId'>,
): readonly StreamView[] {
  const runnable = streams.filter(({ enabled, status }) => enabled && status === 'active');
  if (stream === undefined || runnable.length > 0) return runnable;
  const found = streams[0];
  if (found === undefined) throw new AppError('not_found', `expected a stream of ${integrationId}, got ${stream}`);
  const state = found.enabled ? found.status : 'disabled';
  throw new AppError('input.invalid', `expected an enabled, active stream, got ${stream} (${state})`);
}

function newRun(
  { integrationId, userId, stream, cursor }: StreamView,
  { syncType, workClass, trigger }: RunWish,
  batchId: string,
  now: Date,
): NewRun {
  return {
    id: uuidv7(now.getTime()),
    userId,
    integrationId,
    stream,
    syncType: syncType ?? (cursor === null ? 'full' : 'incremental'),
    trigger,
    workClass: workClass ?? 'interactive',
    batchId,
  };
}
