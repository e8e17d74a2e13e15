// What a queue engine must be able to do, in the words of the queue. An engine holds intents: which job waits since when
// and which one somebody has in hand. Attempts, takeovers and fairness are decided above this line, so a driver must never
// retry, drop or expire a job on its own account.
//
// A verb with `tx` takes effect when that transaction commits: inside of it where the engine is Postgres, right after it
// elsewhere. A crash in between is healed by the reconciler, so nothing above this line asks which of the two it was.

import { DAY_MS } from '../src/core/duration.ts';
import type { ErrorReport } from '../src/core/errors.ts';
import type { Tx } from '../src/db/database.ts';
import type { Service } from '../src/lifecycle/service.ts';

/** A job as the engine holds it; `id` is the ledger's id. */
export interface EngineJob {
  readonly id: string;
  readonly queue: string;
  readonly kind: string;
  readonly payload: unknown;
  /** Higher first: class and priority folded into one number by `enginePriority`. */
  readonly priority: number;
  readonly meta: EngineMeta;
}

/** What the engine carries for us; a job without it came in by the engine's own door. */
export interface EngineMeta {
  readonly userId: string | null;
  /** Rank of the work class: 0 interactive, 1 incremental, 2 backfill. */
  readonly class: number;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly createdAt: string;
  /** False: the engine alone knows this job, until it takes long or goes wrong. */
  readonly ledgered: boolean;
  /** Of derived kinds: at most one unfinished job of a kind has this key. The ledger looks after the keys of all others. */
  readonly uniqueKey: string | null;
}

export interface EngineRef {
  readonly id: string;
  readonly queue: string;
}

/** A job in hand. `token` names this claim: the engine refuses to settle a claim that has moved on. */
export interface EngineClaim extends EngineRef {
  readonly token: string;
  readonly kind: string;
  readonly payload: unknown;
  /** Null: added by the engine's own door, past Tidemark. */
  readonly meta: EngineMeta | null;
}

export interface ClaimRequest {
  /** Who will hold the jobs; `heldBy` finds them by it. */
  readonly workerId: string;
  /** What each queue may give at most. */
  readonly queues: readonly { readonly name: string; readonly limit: number }[];
  /** From all of them together. */
  readonly limit: number;
}

/** The end of a job. Without a token the job is settled whoever holds it. */
export interface EngineSettlement {
  readonly job: EngineJob;
  readonly token: string | null;
  readonly state: 'completed' | 'cancelled';
  readonly output: EngineOutput;
}

export interface EngineOutput {
  readonly attempts: number;
  readonly takeovers: number;
  readonly workerId: string | null;
  readonly result?: unknown;
  readonly error?: ErrorReport;
}

/** Back into the queue under the same id, not before `runAt`. A job that the engine lost is added again. */
export interface PutBack {
  /** With `meta` null the stored job stays as it is: it came by the engine's own door. */
  readonly job: Omit<EngineJob, 'meta'> & { readonly meta: EngineMeta | null };
  readonly token: string | null;
  readonly runAt: Date;
}

export interface Burial {
  readonly job: EngineJob;
  readonly token: string | null;
  readonly output: EngineOutput;
}

/** Ends that an engine keeps as history. */
export type HistoryState = 'completed' | 'cancelled' | 'failed';
/** What an engine knows of a job. */
export type EngineState = 'waiting' | 'delayed' | 'active' | HistoryState;

export interface EngineRecord extends EngineJob {
  readonly state: EngineState;
  /** Of an ended job; of an active one who holds it. */
  readonly output: EngineOutput | null;
  readonly runAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

export interface RecordFilter {
  readonly queues: readonly string[];
  readonly states: readonly EngineState[];
  readonly kind?: string;
  readonly userId?: string;
  /** Every field of it is in the payload with the same value. */
  readonly payload?: Readonly<Record<string, unknown>>;
  /** Only older ones; of the same instant those with smaller ids. */
  readonly after?: { readonly createdAt: Date; readonly id: string };
  readonly limit: number;
}

/** Which ended jobs `forget` takes out of the history. */
export interface ForgetFilter {
  readonly queue: string;
  readonly states: readonly HistoryState[];
  /** Ended before then. */
  readonly before: Date;
  /** Null: any. */
  readonly ids: readonly string[] | null;
  readonly limit: number;
}

/** What engines differ in. Nothing above the port may behave differently for it, only faster or slower. */
export interface EngineCapabilities {
  /** New jobs are announced to `onWake` at once; false while only polling finds them. */
  readonly wakes: boolean;
}

export interface EngineOptions {
  readonly tx?: Tx;
}

/**
 * `jobs`: there may be work to claim. `controls`: a queue was paused, resumed or limited. `admission`: something waits in
 * front of the engine that is due in a moment, or has room now.
 */
export const WAKE_REASONS = ['jobs', 'controls', 'admission'] as const;

export type WakeReason = (typeof WAKE_REASONS)[number];

export interface Exchanged {
  /** Ids of the settlements whose token was still good. */
  readonly settled: ReadonlySet<string>;
  /** Claimed in the same round trip, where the engine can; otherwise empty. */
  readonly claims: readonly EngineClaim[];
}

export interface EngineDriver extends Service {
  /** As it is recorded in `settings`: `pgboss`, `bullmq`. */
  readonly engine: string;
  readonly capabilities: EngineCapabilities;
  /**
   * Makes the jobs claimable from `runAt` (default: now) on, in order. Adding one that is there and unfinished changes
   * nothing. Answers, in order, the id of the job that now stands for each: its own, or that of the unfinished job with
   * the same kind and unique key. With `tx` it is always its own.
   */
  add(jobs: readonly (EngineJob & { readonly runAt?: Date })[], options?: EngineOptions): Promise<readonly string[]>;
  /** Due jobs, of each queue highest priority and oldest first, each to one caller only. Acts at once. */
  claim(request: ClaimRequest): Promise<readonly EngineClaim[]>;
  /** Settles as history. A stale token changes nothing; a job that the engine lost is recorded all the same. */
  complete(settlements: readonly EngineSettlement[], options?: EngineOptions): Promise<void>;
  /** Settles jobs that no ledger knows, and claims others in the same round trip where the engine can. Acts at once. */
  exchange(settlements: readonly EngineSettlement[], next: ClaimRequest | null): Promise<Exchanged>;
  /** Retry, snooze, takeover; the job's meta takes the place of the old one. A stale token changes nothing. */
  putBack(items: readonly PutBack[], options?: EngineOptions): Promise<void>;
  /** Marks as failed and puts a copy with the reason into the dead letter of the queue. */
  bury(burials: readonly Burial[], options?: EngineOptions): Promise<void>;
  /** Takes queued jobs out without a trace, at once; answers the ids that were queued. Jobs in hand stay. */
  remove(refs: readonly EngineRef[]): Promise<readonly string[]>;
  /** Takes ended jobs out of the history, the oldest first, at once; answers their ids. */
  forget(filter: ForgetFilter): Promise<readonly string[]>;
  /** The ids that are not queued, and not in somebody's hand since less than `STRANDED_MS`. */
  missing(refs: readonly EngineRef[], options?: EngineOptions): Promise<readonly string[]>;
  /** What these workers have in hand, at most `limit`. */
  heldBy(workerIds: readonly string[], limit: number): Promise<readonly EngineClaim[]>;
  /** Another text than last time: the engine has lost what it held. */
  epoch(): Promise<string>;
  /** Number of jobs by state, ledgered ones included. */
  counts(queue: string): Promise<Readonly<Record<EngineState, number>>>;
  /** Since when the job is due that waits longest, of what the engine alone knows; null: nothing is due. */
  oldestDue(queue: string): Promise<Date | null>;
  /** Newest first. Engines without an index look at a bounded number of the newest. */
  list(filter: RecordFilter): Promise<readonly EngineRecord[]>;
  get(id: string): Promise<EngineRecord | null>;
  /** Calls `listener` with a hint, never the truth; after a lost connection with every reason. Returns how to stop. */
  onWake(listener: (reason: WakeReason) => void): () => void;
  /** What the engine's own server says of itself (INFO of Redis); absent where that is Postgres. */
  info?(): Promise<string>;
  /** Sends that hint to every process; inside `tx` when it commits. */
  wake(reason: WakeReason, options?: EngineOptions): Promise<void>;
  /** Retention and what else the engine does not do by itself; a bounded piece of it. One process is enough. */
  maintain(signal: AbortSignal): Promise<void>;
  /** Throws its connections away and makes new ones: for a watchdog that sees due jobs which nobody can claim. */
  rebuild(): Promise<void>;
}

/** A claim of a worker that lives becomes a ledger entry within a few milliseconds; one that did not in this time never will. */
export const STRANDED_MS = 5_000;

/** Ended jobs stay in the engine's history this long. */
export const HISTORY_MS = 7 * DAY_MS;

const CLASS_STEP = 1_000_000;

/** Engine priority: classes strictly in order, and inside a class the job's own priority. */
export function enginePriority(classRank: number, priority: number): number {
  const bounded = Math.max(-CLASS_STEP / 2 + 1, Math.min(CLASS_STEP / 2 - 1, Math.trunc(priority)));
  return (2 - classRank) * CLASS_STEP + bounded;
}

/** A claimed job to be put back without a change. */
export function asItIs({ id, queue, kind, payload, meta }: EngineClaim): PutBack['job'] {
  return { id, queue, kind, payload, meta, priority: enginePriority(meta?.class ?? 1, meta?.priority ?? 0) };
}
