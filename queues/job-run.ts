// One job in hand: its context, its signals, its handler. A handler that ignores its signal is waited for a moment and then
// abandoned; what it still does is fenced off by its lease.

import type { Clock } from '../src/core/clock.ts';
import { isAbort } from '../src/core/errors.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import { workClassOf } from '../src/core/work-class.ts';
import type { JobKind, JobPayload } from './catalog.ts';
import { createJobLog, type JobLog, type NewLogLine } from './job-log.ts';
import type { LedgerRow } from './ledger.ts';
import { FIRST_CLAIM } from './ledger-entry.ts';
import type { Handler, JobContext } from './port.ts';
import type { Ending, StopReason } from './verdict.ts';

export interface ClaimedJob {
  readonly row: LedgerRow;
  /** The engine's name for this claim. */
  readonly token: string;
  readonly kind: JobKind;
  readonly payload: JobPayload<JobKind>;
  /** False: the engine alone knows this job, and `row` was made from its claim. */
  readonly ledgered: boolean;
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
  readonly clock: Clock;
  /** Monotonic, in milliseconds. */
  readonly begunAt: number;
}

export interface JobRun {
  /** As it stands: a job may enter the ledger while it runs. */
  readonly job: ClaimedJob;
  /** Monotonic, in milliseconds. */
  readonly begunAt: number;
  readonly ended: Promise<Ending>;
  /** Why the signal fired, if it did. */
  readonly stopReason: StopReason | null;
  stop(reason: StopReason): void;
  /** Runs `entry`, which says whether the job is in the ledger now; the end of the job waits for it. */
  enterLedger(entry: () => Promise<boolean>): Promise<void>;
  /** The job's own log: what is emitted here is also kept beside the job. */
  readonly log: EventLog;
  /** Lines that nobody has saved yet. */
  takeLines(): readonly NewLogLine[];
  /** Progress that nobody has been told yet. */
  takeProgress(): { readonly fraction: number; readonly note: string } | null;
}

interface ContextParts {
  readonly signal: () => AbortSignal;
  readonly log: () => EventLog;
  readonly onProgress: JobContext['progress'];
}

/** Signal and log are made when somebody asks: most short jobs need neither. */
function contextOf({ job, draining, workerId }: JobRunOptions, { signal, log, onProgress }: ContextParts): JobContext {
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
    get signal() {
      return signal();
    },
    draining,
    get log() {
      return log();
    },
    progress: (fraction, note) => onProgress(Math.min(1, Math.max(0, fraction)), note),
  };
}

class Run implements JobRun {
  readonly begunAt: number;
  readonly ended: Promise<Ending>;
  readonly #options: JobRunOptions;
  readonly #end: (ending: Ending) => void;
  readonly #timeoutTimer: NodeJS.Timeout;
  #job: ClaimedJob;
  #controller: AbortController | undefined;
  #jobLog: JobLog | undefined;
  #abandonTimer: NodeJS.Timeout | undefined;
  #stopReason: StopReason | null = null;
  #isOver = false;
  #entering: Promise<void> | undefined;
  #progress: { readonly fraction: number; readonly note: string } | null = null;

  constructor(options: JobRunOptions) {
    this.#options = options;
    this.#job = options.job;
    this.begunAt = options.begunAt;
    this.#timeoutTimer = setTimeout(() => this.stop('timeout'), options.timeoutMs);
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.#end = resolve;
    this.ended = promise.then((ending) => this.#close(ending));
    void this.#handle().then(resolve);
  }

  get job(): ClaimedJob {
    return this.#job;
  }

  get stopReason(): StopReason | null {
    return this.#stopReason;
  }

  get log(): EventLog {
    if (this.#jobLog === undefined) {
      const { row, kind } = this.#job;
      const { clock } = this.#options;
      const log = this.#options.log.with({ jobId: row.id, kind, attempt: row.attempts });
      this.#jobLog = createJobLog({ jobId: row.id, userId: row.userId, log, clock });
    }
    return this.#jobLog.log;
  }

  takeLines(): readonly NewLogLine[] {
    return this.#jobLog?.take() ?? [];
  }

  stop(reason: StopReason): void {
    if (this.#isOver || this.#stopReason !== null) return;
    this.#stopReason = reason;
    this.#controller ??= new AbortController();
    this.#controller.abort();
    const { abandonAfterMs } = this.#options;
    this.#abandonTimer = setTimeout(() => this.#end({ how: 'abandoned' }), abandonAfterMs);
  }

  async enterLedger(entry: () => Promise<boolean>): Promise<void> {
    if (this.#isOver || this.#entering !== undefined || this.#job.ledgered) return;
    const enter = async (): Promise<void> => {
      if (!(await entry())) return;
      this.#job = { ...this.#job, ledgered: true, row: { ...this.#job.row, claim: FIRST_CLAIM } };
    };
    this.#entering = enter().finally(() => (this.#entering = undefined));
    await this.#entering;
  }

  takeProgress(): { readonly fraction: number; readonly note: string } | null {
    const told = this.#progress;
    this.#progress = null;
    return told;
  }

  async #close(ending: Ending): Promise<Ending> {
    this.#isOver = true;
    clearTimeout(this.#timeoutTimer);
    clearTimeout(this.#abandonTimer);
    if (this.#entering !== undefined) await this.#entering.catch(() => undefined);
    return ending;
  }

  async #handle(): Promise<Ending> {
    const { handler, draining } = this.#options;
    const context = contextOf(this.#options, {
      log: () => this.log,
      signal: () => (this.#controller ??= new AbortController()).signal,
      onProgress: (fraction, note) => void (this.#progress = { fraction, note }),
    });
    try {
      return { how: 'returned', outcome: await handler(context) };
    } catch (error) {
      // A drain may also be noticed by a handler on its own; that is no failure either.
      if (isAbort(error) && this.#stopReason === null && draining.aborted) this.#stopReason = 'drained';
      return { how: 'threw', error };
    }
  }
}

export function startJob(options: JobRunOptions): JobRun {
  return new Run(options);
}
