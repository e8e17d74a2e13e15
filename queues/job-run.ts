// One job in hand: its context, its signals, its handler. A handler that ignores its signal is waited for a moment and then
// abandoned; what it still does is fenced off by its lease.

import { isAbort } from '../src/core/errors.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import { workClassOf } from '../src/core/work-class.ts';
import type { JobKind, JobPayload } from './catalog.ts';
import type { LedgerRow } from './ledger.ts';
import type { Handler, JobContext } from './port.ts';
import type { Ending, StopReason } from './verdict.ts';

export interface ClaimedJob {
  readonly row: LedgerRow;
  /** The engine's name for this claim. */
  readonly token: string;
  readonly kind: JobKind;
  readonly payload: JobPayload<JobKind>;
}

export interface JobRunOptions {
  readonly job: ClaimedJob;
  readonly handler: Handler<JobKind>;
  readonly timeoutMs: number;
  /** How long a handler may go on after its signal fired. */
  readonly abandonAfterMs: number;
  readonly draining: AbortSignal;
  readonly workerId: string;
  readonly log: EventLog;
}

export interface JobRun {
  readonly job: ClaimedJob;
  readonly ended: Promise<Ending>;
  /** Why the signal fired, if it did. */
  readonly stopReason: StopReason | null;
  stop(reason: StopReason): void;
  /** Progress that nobody has been told yet. */
  takeProgress(): { readonly fraction: number; readonly note: string } | null;
}

function contextOf(
  { job, draining, workerId, log }: JobRunOptions,
  { signal, onProgress }: { signal: AbortSignal; onProgress: JobContext['progress'] },
): JobContext {
  const { row, kind, payload } = job;
  return {
    jobId: row.id,
    kind,
    queue: row.queue,
    payload,
    userId: row.userId,
    workClass: workClassOf(row.class),
    attempt: row.attempts,
    takeovers: row.takeovers,
    workerId,
    signal,
    draining,
    log: log.with({ jobId: row.id, kind, attempt: row.attempts }),
    progress: (fraction, note) => onProgress(Math.min(1, Math.max(0, fraction)), note),
  };
}

export function startJob(options: JobRunOptions): JobRun {
  const { job, handler, timeoutMs, abandonAfterMs, draining } = options;
  const controller = new AbortController();
  const abandoned = Promise.withResolvers<Ending>();
  let stopReason: StopReason | null = null;
  let over = false;
  let abandonTimer: NodeJS.Timeout | undefined;
  let progress: { readonly fraction: number; readonly note: string } | null = null;

  const stop = (reason: StopReason): void => {
    if (over || stopReason !== null) return;
    stopReason = reason;
    controller.abort();
    abandonTimer = setTimeout(() => abandoned.resolve({ how: 'abandoned' }), abandonAfterMs);
  };
  const timeoutTimer = setTimeout(() => stop('timeout'), timeoutMs);
  const context = contextOf(options, {
    signal: controller.signal,
    onProgress: (fraction, note) => void (progress = { fraction, note }),
  });

  async function run(): Promise<Ending> {
    try {
      return { how: 'returned', outcome: await handler(context) };
    } catch (error) {
      // A drain may also be noticed by a handler on its own; that is no failure either.
      if (isAbort(error) && stopReason === null && draining.aborted) stopReason = 'drained';
      return { how: 'threw', error };
    }
  }

  const ended = Promise.race([run(), abandoned.promise]).finally(() => {
    over = true;
    clearTimeout(timeoutTimer);
    clearTimeout(abandonTimer);
  });
  return {
    job,
    ended,
    get stopReason() {
      return stopReason;
    },
    stop,
    takeProgress() {
      const told = progress;
      progress = null;
      return told;
    },
  };
}
