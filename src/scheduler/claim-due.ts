// Turns due streams into runs and jobs, batch by batch, each batch in one transaction: the run, its job and the
// stream's next fire exist together or not at all. Safe with any number of schedulers.

import type { JobQueue } from '../../queues/port.ts';
import type { Clock } from '../core/clock.ts';
import { uuidv7 } from '../core/ids.ts';
import type { Database, Tx } from '../db/database.ts';
import { lockDueStreams, moveNextSync, parkUnreadableSchedule, type DueStream } from '../store/due-streams.ts';
import { insertPendingRuns, insertQueuedRuns, type NewRun } from '../store/runs.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { decideDue, type DueDecision } from './due.ts';
import { syncJobOf, type CostOf } from './sync-job.ts';

export interface SchedulerDeps {
  /** Pool of the scheduler role. */
  readonly db: Database;
  readonly queue: Pick<JobQueue, 'enqueueMany'>;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly costOf?: CostOf;
}

export interface ClaimLimits {
  /** Streams per transaction; default 1,000. */
  readonly batchSize?: number;
  /** Transactions per call; default 200. What is left is due the next time. */
  readonly maxBatches?: number;
}

export interface Claimed {
  /** Streams that were due. */
  readonly due: number;
  /** Runs that were queued with their jobs. */
  readonly queued: number;
  /** Runs that wait for their stream's active run. */
  readonly pending: number;
}

const SCOPE = { kind: 'none' } as const;

/** Batches on their way at once; two schedulers do no less. */
const LANES = 3;

/** Claims until a batch is short, the limit is reached or `signal` fires between two batches. */
export async function claimDue(
  deps: SchedulerDeps,
  signal: AbortSignal,
  { batchSize = 1_000, maxBatches = 200 }: ClaimLimits = {},
): Promise<Claimed> {
  const total = { due: 0, queued: 0, pending: 0 };
  let left = maxBatches;
  const claimFull = async (): Promise<boolean> => {
    if (left <= 0 || signal.aborted) return false;
    left -= 1;
    const claimed = await deps.db.tx(SCOPE, (tx) => claimBatch(tx, deps, batchSize));
    total.due += claimed.due;
    total.queued += claimed.queued;
    total.pending += claimed.pending;
    return claimed.due === batchSize;
  };
  const drain = async (): Promise<void> => {
    while (await claimFull());
  };
  // Most of the time little is due, or nothing. A batch may be short because another lane has locked the siblings of its
  // streams: what is left then, the next one finds alone.
  while (await claimFull()) await allEnded(Array.from({ length: LANES }, drain));
  if (total.due > 0) deps.log.emit('schedule.claimed', { ...total });
  return total;
}

/** Rejects with the first failure, but not before all have ended: nothing may go on behind the next pass. */
async function allEnded(lanes: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(lanes)).find((lane) => lane.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

interface Decided {
  readonly stream: DueStream;
  readonly decision: DueDecision;
}

async function claimBatch(tx: Tx, deps: SchedulerDeps, batchSize: number): Promise<Claimed> {
  const now = deps.clock.now();
  const due = await lockDueStreams(tx, now, batchSize);
  if (due.length === 0) return { due: 0, queued: 0, pending: 0 };
  const decided = due.map((stream) => ({ stream, decision: decideDue(stream, now) }));
  const runs = decided.flatMap((each) => runsOf(each, now));
  const queued = await insertQueuedRuns(
    tx,
    runs.map(({ run }) => run),
    now,
  );
  const blocked = runs.filter(({ run }) => !queued.has(run.id)).map(({ run }) => run);
  const pending = await insertPendingRuns(tx, blocked, now);
  const fires = decided.flatMap(({ stream, decision }) =>
    decision.kind === 'unreadable' ? [] : [{ ...stream, at: decision.next }],
  );
  await moveNextSync(tx, fires, now);
  await parkUnreadable(tx, decided, deps);
  const jobs = runs
    .filter(({ run }) => queued.has(run.id))
    .map(({ run, stream }) => syncJobOf({ ...run, runId: run.id, platformId: stream.platformId }, deps.costOf));
  if (jobs.length > 0) await deps.queue.enqueueMany(jobs, { tx });
  return { due: due.length, queued: queued.size, pending: pending.size };
}

function runsOf({ stream, decision }: Decided, now: Date): readonly { run: NewRun; stream: DueStream }[] {
  if (decision.kind !== 'run') return [];
  const run: NewRun = {
    id: uuidv7(now.getTime()),
    userId: stream.userId,
    integrationId: stream.integrationId,
    stream: stream.stream,
    syncType: decision.syncType,
    trigger: decision.trigger,
    workClass: 'incremental',
    batchId: null,
  };
  return [{ run, stream }];
}

async function parkUnreadable(tx: Tx, decided: readonly Decided[], { clock, log }: SchedulerDeps): Promise<void> {
  for (const { stream, decision } of decided) {
    if (decision.kind !== 'unreadable') continue;
    const { integrationId, stream: name } = stream;
    await parkUnreadableSchedule(tx, stream, decision.error.message, clock.now());
    log.emit('stream.parked', { integrationId, stream: name, error: decision.error });
  }
}
