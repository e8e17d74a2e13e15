// One call of an operation, as its handler sees it, and what handlers may use.

import type { JobQueue } from '../../queues/port.ts';
import type { Clock } from '../core/clock.ts';
import type { Database, Tx } from '../db/database.ts';
import type { ApiToken } from '../store/api-tokens.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Operations } from './contract/operations.ts';
import type { AnswerOf, BodyOf, Operation, ParamsOf, QueryOf } from './contract/operation.ts';

/** What every handler may use; the composition root gives it. */
export interface ApiDeps {
  /** Pool of the api role. */
  readonly db: Database;
  readonly queue: JobQueue;
  readonly clock: Clock;
  readonly log: EventLog;
}

export interface Call<O extends Operation> {
  readonly params: ParamsOf<O>;
  readonly query: QueryOf<O>;
  readonly body: BodyOf<O>;
  readonly token: ApiToken;
  /** Fires when the client went away or the server stops. */
  readonly signal: AbortSignal;
  /**
   * The transaction of the call's `Idempotency-Key`, in which everything it does and its answer are kept together; null
   * without a key.
   */
  readonly tx: Tx | null;
  /** Runs `work` in the transaction of the call, or in one of its own (scope `ops`). */
  readonly inTx: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
}

export type Handle<O extends Operation> = (
  call: Call<O>,
) => Promise<O['form'] extends 'events' ? AsyncIterable<AnswerOf<O>> : AnswerOf<O>>;

/** One handler for every operation; a missing one does not compile. */
export type Handlers<Names extends keyof Operations = keyof Operations> = {
  readonly [Name in Names]: Handle<Operations[Name]>;
};
