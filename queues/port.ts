// The queue as the rest of Tidemark sees it. Nothing above this port can tell which engine is below it.

import type { ErrorReport } from '../src/core/errors.ts';
import type { WorkClass } from '../src/core/work-class.ts';
import type { Tx } from '../src/db/database.ts';
import type { Service } from '../src/lifecycle/service.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import type { JobKind, JobPayload, QueueName } from './catalog.ts';
import type { Outcome } from './outcome.ts';
import type { JobState } from './states.ts';

export interface JobRequest<K extends JobKind = JobKind> {
  readonly kind: K;
  readonly payload: JobPayload<K>;
  /** Default: the first queue of the kind. */
  readonly queue?: QueueName;
  /** While a job of this kind with this key is unsettled, a second one is not created. */
  readonly uniqueKey?: string;
  /** Tenant; null for jobs of the system. */
  readonly userId: string | null;
  /** Default `incremental`. */
  readonly workClass?: WorkClass;
  /** Within a class, higher first; default 0. */
  readonly priority?: number;
  /** Expected cost in requests, for fairness; default 1. */
  readonly cost?: number;
  /** Not before; default now. */
  readonly runAt?: Date;
}

export interface Enqueued {
  readonly jobId: string;
  /** False when an unsettled job with the same unique key exists; `jobId` is then that one. */
  readonly created: boolean;
}

/** A job as people and boards see it. */
export interface JobView {
  readonly id: string;
  readonly kind: string;
  readonly queue: string;
  readonly state: JobState;
  readonly payload: unknown;
  readonly userId: string | null;
  readonly workClass: WorkClass;
  readonly priority: number;
  readonly attempts: number;
  readonly takeovers: number;
  readonly maxAttempts: number;
  readonly createdAt: Date;
  readonly runAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly workerId: string | null;
  /** Fraction 0 to 1, with a note. */
  readonly progress: { readonly fraction: number; readonly note: string } | null;
  readonly result: unknown;
  readonly error: ErrorReport | null;
}

export interface JobFilter {
  readonly queue?: string;
  readonly states?: readonly JobState[];
  readonly kind?: string;
  readonly userId?: string;
  /** Every field of it is in the payload with the same value. */
  readonly payload?: Readonly<Record<string, unknown>>;
  /** Only what comes after this job in the list: the last one of the page before. */
  readonly after?: JobPlace;
  /** At most 201; default 50. Newest first. */
  readonly limit?: number;
  readonly offset?: number;
}

/** Where a job stands among all: by creation, and by id among those of one instant. */
export interface JobPlace {
  readonly createdAt: Date;
  readonly id: string;
}

/** Which jobs `clean` takes away. */
export interface CleanFilter {
  /** A queue, or the dead letter of one. */
  readonly queue: string;
  readonly states: readonly Exclude<JobState, 'active'>[];
  /** Ended before then; not ended: created before then. */
  readonly before: Date;
  /** At most 10,000; default 1,000. */
  readonly limit?: number;
}

/** Which dead letters; a filter without any condition means all of them. */
export interface DeadFilter {
  readonly ids?: readonly string[];
  readonly queue?: string;
  readonly kind?: string;
  readonly userId?: string;
  /** Code of the last error. */
  readonly code?: string;
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly diedBefore?: Date;
  readonly diedAfter?: Date;
}

/** What `replay` with the same filter would take. */
export interface ReplayPreview {
  readonly total: number;
  /** By queue, kind and error code, most frequent first; at most 50. */
  readonly groups: readonly {
    readonly queue: string;
    readonly kind: string;
    readonly code: string;
    readonly jobs: number;
  }[];
  /** Of the total: another unfinished job holds their unique key, so they stay dead. */
  readonly blocked: number;
}

export interface Replayed {
  readonly replayed: number;
  /** Dead letters that the filter still matches, blocked ones included. */
  readonly left: number;
}

export interface JobLogLine {
  readonly at: Date;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly line: string;
}

/** What an operator set for a queue. */
export interface QueueControls {
  readonly queue: string;
  readonly pausedAt: Date | null;
  /** Jobs in hand at once over all workers; null: no limit. */
  readonly concurrency: number | null;
  /** Starts over all workers: `max` in any `perMs` on average, at most `max` at once; null: no limit. */
  readonly rate: { readonly max: number; readonly perMs: number } | null;
}

/** Producer's and operator's side. */
export interface JobQueue {
  /**
   * Throws `queue.unknown_kind`, `queue.payload_invalid`, `usage.invalid`. With `tx` it joins the caller's transaction;
   * kinds marked `derived` refuse one, because their truth is the row that the transaction writes.
   */
  enqueue<K extends JobKind>(request: JobRequest<K>, options?: { readonly tx?: Tx }): Promise<Enqueued>;
  /** One statement per table for all requests; results in order. */
  enqueueMany(requests: readonly JobRequest[], options?: { readonly tx?: Tx }): Promise<readonly Enqueued[]>;
  /** Queued jobs are settled as cancelled; a running one has its signal fired within a second. False: not found. */
  cancel(jobId: string): Promise<boolean>;
  /** A dead or failed job again, with its attempts reset. False: not found or not dead. */
  retry(jobId: string): Promise<boolean>;
  /** A delayed job is due now. False: not found or not delayed. */
  promote(jobId: string): Promise<boolean>;
  /** Takes a job away with its record and its log. False: not found. Throws `queue.job_active` for one in hand. */
  remove(jobId: string): Promise<boolean>;
  /** Takes jobs away, oldest first, and answers how many; jobs in hand stay. */
  clean(filter: CleanFilter): Promise<number>;
  get(jobId: string): Promise<JobView | null>;
  list(filter: JobFilter): Promise<readonly JobView[]>;
  /** Jobs by state; every state is present. */
  counts(queue: string): Promise<Readonly<Record<JobState, number>>>;
  /** What a job said, oldest first; kept for a week. At most 1,000 lines. */
  logs(jobId: string): Promise<readonly JobLogLine[]>;
  /** Nothing of this queue is started until `resume`; what is in hand goes on. Survives restarts. */
  pause(queue: QueueName): Promise<void>;
  resume(queue: QueueName): Promise<void>;
  /** Limits over all workers together; null takes a limit away, absent leaves it. */
  limit(queue: QueueName, limits: Partial<Pick<QueueControls, 'concurrency' | 'rate'>>): Promise<void>;
  /** Of every queue. */
  controls(): Promise<readonly QueueControls[]>;
  previewReplay(filter: DeadFilter): Promise<ReplayPreview>;
  /** Dead letters again, oldest first, with their attempts reset; at most `limit` (1,000). */
  replay(filter: DeadFilter, limit?: number): Promise<Replayed>;
}

export interface JobContext<K extends JobKind = JobKind> {
  readonly jobId: string;
  readonly kind: K;
  readonly queue: string;
  readonly payload: JobPayload<K>;
  readonly userId: string | null;
  readonly workClass: WorkClass;
  /** From 1; snoozes and takeovers do not count. */
  readonly attempt: number;
  readonly takeovers: number;
  readonly workerId: string;
  /** Fires on cancel, on timeout, on a lost claim and when draining has run out of patience. */
  readonly signal: AbortSignal;
  /** Fires when the worker begins to drain: stop at the next safe point. */
  readonly draining: AbortSignal;
  /** Lines of it are also the job's log, from `info` on. */
  readonly log: EventLog;
  /** Told at most once a second to the outside; cheap to call. */
  progress(fraction: number, note: string): void;
}

export type Handler<K extends JobKind> = (job: JobContext<K>) => Promise<Outcome>;

/** One handler for every kind; a missing one does not compile. */
export type Handlers = { readonly [K in JobKind]: Handler<K> };

/** A worker's side: claims jobs of its queues and runs their handlers. */
export interface Consumer extends Service {
  /** Jobs in hand right now. */
  readonly activeCount: number;
  /** Looks for work at once. */
  wake(): void;
}
