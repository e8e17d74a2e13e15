// What a queue engine must be able to do, in the words of the queue. An engine holds intents: which job waits since when
// and which one somebody has in hand. Attempts, takeovers, uniqueness and fairness are decided above this line, in the
// ledger, so a driver must never retry, drop or expire a job on its own account.

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

/** What people want to see of a job once the ledger has forgotten it. */
export interface EngineMeta {
  readonly userId: string | null;
  /** Rank of the work class: 0 interactive, 1 incremental, 2 backfill. */
  readonly class: number;
  readonly priority: number;
  readonly maxAttempts: number;
  readonly createdAt: string;
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
  readonly job: EngineJob;
  readonly token: string | null;
  readonly runAt: Date;
}

export interface Burial {
  readonly job: EngineJob;
  readonly token: string | null;
  readonly output: EngineOutput;
}

/** States an engine can tell apart for jobs that the ledger no longer has. */
export type HistoryState = 'completed' | 'cancelled' | 'failed';

export interface EngineRecord extends EngineJob {
  readonly state: HistoryState;
  readonly output: EngineOutput | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

export interface HistoryFilter {
  readonly queues?: readonly string[];
  readonly states: readonly HistoryState[];
  readonly kind?: string;
  readonly userId?: string;
  readonly limit: number;
}

/** What engines differ in; the suite skips visibly where a capability is missing. */
export interface EngineCapabilities {
  /** Verbs join a Postgres transaction given as `tx`. Default false: the reconciler closes the gap. */
  readonly transactional: boolean;
  /** New jobs are announced to `onWake` at once. Default false: polling only. */
  readonly wakes: boolean;
}

export const DEFAULT_CAPABILITIES: EngineCapabilities = { transactional: false, wakes: false };

export interface EngineOptions {
  /** An engine that is not transactional acts at once and ignores it. */
  readonly tx?: Tx;
}

export interface EngineDriver extends Service {
  readonly capabilities: EngineCapabilities;
  /** Makes the jobs claimable now, in order. Adding one that is there and unfinished changes nothing. */
  add(jobs: readonly EngineJob[], options?: EngineOptions): Promise<void>;
  /** Up to `limit` due jobs of these queues, highest priority and oldest first, each to one caller only. */
  claim(queues: readonly string[], limit: number, options?: EngineOptions): Promise<readonly EngineClaim[]>;
  /** Settles as history. A stale token changes nothing. */
  complete(settlements: readonly EngineSettlement[], options?: EngineOptions): Promise<void>;
  /** Retry, snooze, takeover. A stale token changes nothing. */
  putBack(items: readonly PutBack[], options?: EngineOptions): Promise<void>;
  /** Marks as failed and puts a copy with the reason into the dead letter of the queue. */
  bury(burials: readonly Burial[], options?: EngineOptions): Promise<void>;
  /** Takes queued jobs out without a trace; answers the ids that were queued. Jobs in hand stay. */
  remove(refs: readonly EngineRef[], options?: EngineOptions): Promise<readonly string[]>;
  /** The ids that the engine does not hold as unfinished. */
  missing(refs: readonly EngineRef[], options?: EngineOptions): Promise<readonly string[]>;
  /** Number of jobs in the history, by state. */
  counts(queue: string): Promise<Readonly<Record<HistoryState, number>>>;
  /** History, newest first. */
  list(filter: HistoryFilter): Promise<readonly EngineRecord[]>;
  get(id: string): Promise<EngineRecord | null>;
  /** Calls `listener` when there may be new work or a cancel request; a hint, never the truth. Returns how to stop. */
  onWake(listener: () => void): () => void;
  /** Sends that hint to every process; inside `tx` when it commits. */
  wake(options?: EngineOptions): Promise<void>;
}

const CLASS_STEP = 1_000_000;

/** Engine priority: classes strictly in order, and inside a class the job's own priority. */
export function enginePriority(classRank: number, priority: number): number {
  const bounded = Math.max(-CLASS_STEP / 2 + 1, Math.min(CLASS_STEP / 2 - 1, Math.trunc(priority)));
  return (2 - classRank) * CLASS_STEP + bounded;
}
