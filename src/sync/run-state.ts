// What the runner is given once, and what it holds while it works on one run.

import type { JobContext, JobQueue } from '../../queues/port.ts';
import type { Clock } from '../core/clock.ts';
import type { RetentionLimits } from '../core/retention.ts';
import type { Database, TxScope } from '../db/database.ts';
import type { AnyConnector, AnyStream } from '../connectors/contract/connector.ts';
import type { CredentialAccess, Plan } from '../connectors/contract/stream.ts';
import type { HttpClient, HttpClientScope } from '../http/http-client.ts';
import type { RecordTable } from '../store/record-tables/record-table.ts';
import type { AnyRecord } from '../store/record-tables/tables.ts';
import type { RunView } from '../store/run-progress.ts';
import type { StreamLease } from '../store/stream-leases.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Sealer } from '../vault/sealer.ts';
import type { RefreshJob } from './refresh.ts';
import type { RunMeter } from './run-meter.ts';
import type { KnownSecrets } from './known-secrets.ts';
import type { Spends } from './spends.ts';
import type { OnStep, StepName } from './steps.ts';

export interface SyncRunDeps {
  /** Pool of the worker role. */
  readonly db: Database;
  readonly queue: Pick<JobQueue, 'enqueue'>;
  readonly connectors: ReadonlyMap<string, AnyConnector>;
  readonly httpFor: (scope: HttpClientScope) => HttpClient;
  readonly credentials: (job: RefreshJob) => CredentialAccess<unknown>;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly config: {
    /** A run longer than this goes on in a new job, in milliseconds. */
    readonly sliceMs: number;
    readonly egressId: string;
    /** Absent: nothing is ever erased, so nobody asks how old copies are. */
    readonly retention?: RetentionLimits;
  };
  /** Told of every run that ended, for process metrics. */
  readonly onRunEnd?: (end: { readonly platform: string; readonly stream: string; readonly status: string }) => void;
  /** Awaited at every step boundary; for tests that stop a worker there. */
  readonly onStep?: OnStep;
}

/** A run whose stream this worker holds. */
export interface HeldRun {
  readonly run: RunView;
  readonly lease: StreamLease;
  readonly meter: RunMeter;
  /** What must be stored before the lease is given back. */
  readonly spends: Spends;
  /** What errors of this run must not say. */
  readonly secrets: KnownSecrets;
  readonly log: EventLog;
}

/** A held run that knows what to read. */
export interface PlannedRun extends HeldRun {
  readonly job: JobContext<'sync.run'>;
  readonly connector: AnyConnector;
  readonly stream: AnyStream<unknown, unknown>;
  readonly table: RecordTable<AnyRecord>;
  readonly settings: unknown;
  readonly plan: Plan<unknown>;
  readonly cursorVersion: bigint;
}

/** A stopped process must not hold the stream's row: Postgres ends its transaction after this long. */
const IDLE_TIMEOUT_MS = 1_500;

export function leaseScope(token: string): TxScope {
  return { kind: 'lease', token, idleTimeoutMs: IDLE_TIMEOUT_MS };
}

export async function reachStep({ onStep }: Pick<SyncRunDeps, 'onStep'>, step: StepName): Promise<void> {
  if (onStep !== undefined) await onStep(step);
}
