// The end of a slice, good or bad: what becomes of the run, its stream and its integration, and what the queue is told.
// Everything here is guarded by the fence: whoever lost the stream settles nothing.

import { KINDS, syncQueueOf } from '../../queues/catalog.ts';
import { completed, discard, snooze, type Outcome } from '../../queues/outcome.ts';
import type { JobContext } from '../../queues/port.ts';
import { SECOND_MS } from '../core/duration.ts';
import { AppError, reportOf, toAppError } from '../core/errors.ts';
import type { PlatformId } from '../core/platforms.ts';
import { decide, type Decision } from '../core/retry.ts';
import type { SyncType } from '../connectors/contract/stream.ts';
import type { Tx } from '../db/database.ts';
import { saveBackfillPosition } from '../store/backfills.ts';
import { noteSuccess, parkIntegration, parkStream } from '../store/parking.ts';
import {
  cancelPendingRuns,
  finishRun,
  isCancelRequested,
  pauseRun,
  promotePendingRun,
  type FinishedRun,
} from '../store/run-progress.ts';
import { releaseStream } from '../store/stream-leases.ts';
import { endStream, forgetPosition } from '../store/stream-position.ts';
import type { SliceEnd } from './read-slice.ts';
import { leaseScope, type HeldRun, type PlannedRun, type SyncRunDeps } from './run-state.ts';

type Job = JobContext<'sync.run'>;
type Park = Extract<Decision, { action: 'park' }>;

/** Between two slices of a backfill: longer than a run waits that found the stream held, so that one gets its turn. */
const MAKE_WAY_MS = 5 * SECOND_MS;

const LOST = discard('the stream was taken over');

/** After pages were read without an error. */
export async function settleSlice(deps: SyncRunDeps, run: PlannedRun, end: SliceEnd): Promise<Outcome> {
  if (end !== 'done') {
    await pause(deps, run, null);
    run.log.emit('run.continued', { reason: end });
    return snooze(run.plan.type === 'backfill' ? MAKE_WAY_MS : 0, end);
  }
  const { trigger, integrationId } = run.run;
  const finished = await finish(deps, run, { pass: run.plan.type, error: null }, (tx, now) =>
    noteSuccess(tx, integrationId, { proves: trigger === 'manual' || trigger === 'api', now }),
  );
  return finished === null ? LOST : completed({ status: finished.status });
}

/** After an error. Resolves with what the queue is to do, or throws for the queue to count an attempt. */
export async function settleFailure(deps: SyncRunDeps, job: Job, held: HeldRun, thrown: unknown): Promise<Outcome> {
  if (job.signal.aborted && !(job.signal.reason instanceof AppError)) return await settleAbort(deps, job, held);
  const error = toAppError(job.signal.aborted ? job.signal.reason : thrown);
  const { retry: policy } = KINDS['sync.run'];
  const decision = decide({ error, attempt: job.attempt, policy, random: Math.random() });
  switch (decision.action) {
    case 'discard':
      return await yieldTo(deps, held, error);
    case 'snooze':
      await pause(deps, held, null);
      held.log.emit('run.waiting', { error: reportOf(error), delayMs: decision.delayMs });
      return snooze(decision.delayMs, error.code);
    case 'retry':
      await pause(deps, held, error);
      held.log.emit('run.waiting', { error: reportOf(error), delayMs: decision.delayMs });
      throw error;
    case 'replan':
      await deps.db.tx(leaseScope(held.lease.token), (tx) => forgetPlace(tx, held));
      await pause(deps, held, error);
      throw error;
    case 'park':
      return await park(deps, held, error, decision);
    case 'dead':
      await finish(deps, held, { pass: null, error });
      throw error;
  }
}

/** Of the stream, or of a backfill its own. */
async function forgetPlace(tx: Tx, { run, lease }: HeldRun): Promise<void> {
  if (run.backfill === null) await forgetPosition(tx, lease);
  else await saveBackfillPosition(tx, run.runId, null);
}

/** Somebody cancelled, or the worker must stop at once: abort is not an error. */
async function settleAbort(deps: SyncRunDeps, job: Job, held: HeldRun): Promise<Outcome> {
  const isCancelled = await deps.db.tx(leaseScope(held.lease.token), (tx) => isCancelRequested(tx, job.jobId));
  if (isCancelled) await finish(deps, held, { pass: null, error: null, isCancelled });
  else await pause(deps, held, null);
  throw job.signal.reason;
}

/** Someone else won. Either the stream is theirs, or a person moved its position or settled the run under our hands. */
async function yieldTo(deps: SyncRunDeps, held: HeldRun, error: AppError): Promise<Outcome> {
  held.log.emit('run.lease_lost', { error: reportOf(error) });
  if (error.code === 'sync.lease_lost' || error.code === 'queue.claim_lost') return LOST;
  await pause(deps, held, null);
  // The fence is still ours, so nobody else reads this run: plan again from where the position is now.
  return error.code === 'sync.checkpoint_conflict' ? snooze(0, error.code) : discard(error.message);
}

async function pause(
  { db, clock }: SyncRunDeps,
  { run, lease, meter }: HeldRun,
  error: AppError | null,
): Promise<void> {
  const requests = meter.takeRequests();
  await db.tx(leaseScope(lease.token), async (tx) => {
    const isOurs = await releaseStream(tx, lease);
    if (!isOurs) return;
    await pauseRun(tx, run.runId, { requests, error: error === null ? null : reportOf(error), now: clock.now() });
  });
}

interface End {
  /** Read to its end; null when it was not. */
  readonly pass: SyncType | null;
  readonly error: AppError | null;
  readonly isCancelled?: boolean;
  /** The stream stops: a run that waits for its turn is not started. */
  readonly isParked?: boolean;
}

/** Ends the run and starts the one that waits for it; null when the stream was taken over or the run settled before. */
async function finish(
  deps: SyncRunDeps,
  held: HeldRun,
  { pass, error, isCancelled = false, isParked = false }: End,
  also?: (tx: Tx, now: Date) => Promise<void>,
): Promise<FinishedRun | null> {
  const { run, lease, meter, log } = held;
  const now = deps.clock.now();
  const succeeded = error === null && !isCancelled;
  const status = isCancelled ? 'cancelled' : succeeded ? 'success' : 'failed';
  const requests = meter.takeRequests();
  const finished = await deps.db.tx(leaseScope(lease.token), async (tx) => {
    if (!(await endStream(tx, lease, { finished: succeeded ? pass : null, now }))) return null;
    const report = error === null ? null : reportOf(error);
    const ended = await finishRun(tx, run.runId, { status, requests, error: report, now });
    await also?.(tx, now);
    if (isParked) await cancelPendingRuns(tx, run.integrationId, run.stream, now);
    else await startFollowing(deps, tx, held);
    return ended;
  });
  if (finished === null) return null;
  if (finished.durationSeconds !== null) meter.onRunEnd(finished.durationSeconds);
  log.emit(finished.status === 'failed' ? 'run.failed' : 'run.finished', {
    status: finished.status,
    durationSeconds: finished.durationSeconds,
    ...(error === null ? {} : { error: reportOf(error) }),
  });
  deps.onRunEnd?.({ platform: run.platformId, stream: run.stream, status: finished.status });
  return finished;
}

async function startFollowing({ queue, connectors }: SyncRunDeps, tx: Tx, { run }: HeldRun): Promise<void> {
  const following = await promotePendingRun(tx, run);
  if (following === null) return;
  const { runId, workClass } = following;
  const stream = connectors.get(run.platformId)?.streams.find(({ name }) => name === run.stream);
  await queue.enqueue(
    {
      kind: 'sync.run',
      payload: { runId },
      queue: syncQueueOf(run.platformId as PlatformId),
      uniqueKey: runId,
      userId: run.userId,
      workClass,
      cost: stream?.typicalCost ?? 1,
    },
    { tx },
  );
}

async function park(deps: SyncRunDeps, held: HeldRun, error: AppError, { scope, gone }: Park): Promise<Outcome> {
  // The brake stands before one stream; the account behind it is in order.
  const isStream = scope === 'stream' || error.code === 'sync.delete_brake';
  const report = reportOf(error);
  const { integrationId } = held.run;
  const finished = await finish(deps, held, { pass: null, error, isParked: true }, (tx, now) =>
    isStream
      ? parkStream(tx, held.run, { status: gone ? 'gone' : 'parked', error: report, now })
      : parkIntegration(tx, integrationId, report, now),
  );
  if (finished === null) return LOST;
  held.log.emit(isStream ? 'stream.parked' : 'integration.parked', { error: report });
  return completed({ status: finished.status, parked: isStream ? 'stream' : 'integration' });
}
