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
  /** At most 200; default 50. Newest first. */
  readonly limit?: number;
  readonly offset?: number;
}

/** Producer's and operator's side. */
export interface JobQueue {
  /** Throws `queue.unknown_kind`, `queue.payload_invalid`. With `tx` it joins the caller's transaction. */
  enqueue<K extends JobKind>(request: JobRequest<K>, options?: { readonly tx?: Tx }): Promise<Enqueued>;
  /** One statement per table for all requests; results in order. */
  enqueueMany(requests: readonly JobRequest[], options?: { readonly tx?: Tx }): Promise<readonly Enqueued[]>;
  /** Queued jobs are settled as cancelled; a running one has its signal fired within a second. False: not found. */
  cancel(jobId: string): Promise<boolean>;
  /** A dead or failed job again, with its attempts reset. False: not found or not dead. */
  retry(jobId: string): Promise<boolean>;
  get(jobId: string): Promise<JobView | null>;
  list(filter: JobFilter): Promise<readonly JobView[]>;
  /** Jobs by state; every state is present. */
  counts(queue: string): Promise<Readonly<Record<JobState, number>>>;
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
