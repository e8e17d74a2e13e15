// One call of an operation, as its handler sees it, and what handlers may use.

import type { JobQueue } from '../../queues/port.ts';
import type { Clock } from '../core/clock.ts';
import type { AnyConnector } from '../connectors/contract/connector.ts';
import type { Database, Tx } from '../db/database.ts';
import type { BaseUrls } from '../http/base-url.ts';
import type { CostOf } from '../scheduler/sync-job.ts';
import type { ApiToken } from '../store/api-tokens.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Sealer } from '../vault/sealer.ts';
import type { RunWatch } from './run-watch.ts';
import type { Operations } from './contract/operations.ts';
import type { AnswerOf, BodyOf, Operation, ParamsOf, QueryOf } from './contract/operation.ts';

/** What every handler may use; the composition root gives it. */
export interface ApiDeps {
  /** Pool of the api role. */
  readonly db: Database;
  readonly queue: JobQueue;
  readonly clock: Clock;
  readonly log: EventLog;
  /** Throws `usage.invalid` naming the platforms that exist. */
  readonly connectorOf: (platform: string) => AnyConnector;
  /** Seals credentials; made of public keys when it is first asked for. */
  readonly sealer: () => Promise<Sealer>;
  readonly runs: RunWatch;
  /** Where browsers reach this server; undefined: nobody said, and no account can be connected by consent. */
  readonly publicUrl: string | undefined;
  /** Where platforms are reached instead of their official addresses. */
  readonly baseUrls: BaseUrls;
  /** Requests that a usual run costs. */
  readonly costOf?: CostOf;
  /** Where reports are read; default: `db`. */
  readonly reads?: Pick<Database, 'tx'>;
}

export interface Call<O extends Operation> {
  readonly params: ParamsOf<O>;
  readonly query: QueryOf<O>;
  readonly body: BodyOf<O>;
  readonly token: ApiToken;
  /** Whose rows there are for this call; null: the control plane of all users. */
  readonly tenant: string | null;
  /** Of a client that takes an event stream up again. */
  readonly lastEventId: string | null;
  /** Fires when the client went away or the server stops. */
  readonly signal: AbortSignal;
  /**
   * The transaction of the call's `Idempotency-Key`, in which everything it does and its answer are kept together; null
   * without a key.
   */
  readonly tx: Tx | null;
  /** Runs `work` in the transaction of the call, or in one of its own, in the scope of the token. */
  readonly inTx: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
  /** The same for reports: it may be a replica that is a few seconds old, and writes nothing. */
  readonly inReadTx: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
}

export interface StreamEvent<Data> {
  /** For `Last-Event-ID`; without line breaks. */
  readonly id?: string | undefined;
  readonly event?: string | undefined;
  readonly data: Data;
}

export type Handle<O extends Operation> = (
  call: Call<O>,
) => Promise<O['form'] extends 'events' ? AsyncIterable<StreamEvent<AnswerOf<O>>> : AnswerOf<O>>;

/** One handler for every operation; a missing one does not compile. */
export type Handlers<Names extends keyof Operations = keyof Operations> = {
  readonly [Name in Names]: Handle<Operations[Name]>;
};
