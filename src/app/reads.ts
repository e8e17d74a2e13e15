// Where reports are read: from the replica while it is less than five seconds behind, else from the primary. Both answer the same
// questions under the same row level security, as different roles.

import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import { AppError, type ErrorCode } from '../core/errors.ts';
import type { Database } from '../db/database.ts';
import { createLagMeter, readLogPosition } from '../db/replica-lag.ts';
import { createLoop } from '../lifecycle/loop.ts';
import type { Health, Service } from '../lifecycle/service.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export type Reads = Pick<Database, 'tx'>;

export interface ReadsOptions {
  readonly primary: Database;
  readonly replica: Database;
  readonly clock: Clock;
  readonly log: EventLog;
  /** Default 5 s. */
  readonly maxLagMs?: number;
  /** Default 1 s. */
  readonly everyMs?: number;
}

export interface ReplicaReads extends Reads {
  /** Looks at both; its health says when the replica is not used. */
  readonly service: Service;
  /** Whether the next one would be read from the replica. */
  usesReplica(): boolean;
}

const MAX_LAG_MS = 5 * SECOND_MS;

/** What a replica may say where the primary would answer: it went away, or replay had to cancel a query. */
const ELSEWHERE: ReadonlySet<ErrorCode> = new Set([
  'db.unavailable',
  'db.serialization',
  'db.timeout',
  'db.login_refused',
]);

export function createReplicaReads(options: ReadsOptions): ReplicaReads {
  const { primary, replica, clock, log, maxLagMs = MAX_LAG_MS, everyMs = SECOND_MS } = options;
  const meter = createLagMeter();
  let used: boolean | undefined;
  const usesReplica = (): boolean => meter.lagAt(clock.mono()) < maxLagMs;

  function tellChange(): void {
    const uses = usesReplica();
    if (uses === used) return;
    if (uses || used === true) log.emit(uses ? 'reads.replica_taken' : 'reads.replica_left');
    used = uses;
  }

  const watch = createLoop({
    name: 'replica-watch',
    everyMs,
    backoff: { baseMs: everyMs, capMs: 30 * SECOND_MS },
    async pass() {
      try {
        const at = clock.mono();
        const position = await readLogPosition(primary);
        meter.note(at, position, await readLogPosition(replica));
      } finally {
        tellChange();
      }
    },
    log,
    clock,
  });

  function health(): Health {
    if (usesReplica()) return { status: 'ok' };
    return { status: 'degraded', reason: 'the replica lags or is away: reports read from the primary' };
  }

  return {
    usesReplica,
    service: { name: watch.name, start: () => watch.start(), stop: () => watch.stop(), health },
    async tx(scope, work) {
      if (!usesReplica()) return await primary.tx(scope, work);
      try {
        return await replica.tx(scope, work);
      } catch (error) {
        if (error instanceof AppError && ELSEWHERE.has(error.code)) return await primary.tx(scope, work);
        throw error;
      }
    },
  };
}
