// What a consumer is made of, for those who make one and for its parts.

import type { Clock } from '../src/core/clock.ts';
import type { Database } from '../src/db/database.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import type { JobKind } from './catalog.ts';
import type { EngineDriver } from './driver.ts';
import type { QueueHistory } from './history.ts';
import type { Handlers } from './port.ts';
import type { Verdict } from './verdict.ts';

export interface JobSettled {
  readonly kind: JobKind;
  readonly queue: string;
  readonly verdict: Verdict['as'];
  /** From due to started, in milliseconds. */
  readonly waitedMs: number;
  readonly durationMs: number;
}

export interface ConsumerOptions {
  readonly workerId: string;
  readonly queues: readonly string[];
  /** Handlers at work at once, of long jobs and of short ones each. */
  readonly concurrency: number;
  readonly db: Database;
  /** Started and stopped by its owner, not here. */
  readonly driver: EngineDriver;
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly log: EventLog;
  /** Told of each job that ended here. */
  readonly onSettled?: (job: JobSettled) => void;
  /** Counts what ended here; it is flushed by its owner, after `stop`. */
  readonly history?: QueueHistory;
  /** Uniform in [0, 1); for jitter. */
  readonly random?: () => number;
  /** How long `stop` lets handlers finish before it aborts them. Default 30 s. */
  readonly drainMs?: number;
  /** How long an aborted handler is waited for. Default 10 s. */
  readonly abandonAfterMs?: number;
  /** The first pause after something came or was announced; it grows to `pollMs`. Default 50 ms. */
  readonly firstPollMs?: number;
  /** Longest pause between two looks at an empty queue. Default 1 s; it costs one indexed query. */
  readonly pollMs?: number;
  /** How often claims are checked for cancel, loss and progress. Default 0.5 s. */
  readonly watchMs?: number;
  /** Due jobs and free hands without a claim for so long mean that a connection is broken. Default 10 s. */
  readonly stuckAfterMs?: number;
  /** Shortens a kind's time limit; for tests. */
  readonly timeoutMsOf?: (kind: JobKind) => number;
}
