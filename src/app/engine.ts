// The queue engine of a process: the driver, and the port above it.

import type { Clock } from '../core/clock.ts';
import type { Secret } from '../core/secret.ts';
import type { Database } from '../db/database.ts';
import type { EngineDriver } from '../../queues/driver.ts';
import { createPgBossDriver } from '../../queues/drivers/pgboss/driver.ts';
import { createJobQueue } from '../../queues/job-queue.ts';
import type { JobQueue } from '../../queues/port.ts';
import { replayRuns } from '../scheduler/replay-runs.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface EngineOptions {
  readonly db: Database;
  /** For LISTEN, past a pooler; without it work is found by polling. */
  readonly directUrl?: Secret;
  readonly clock: Clock;
  readonly log: EventLog;
  /** True in the scheduler: runs the engine's own upkeep. */
  readonly supervise?: boolean;
}

export interface Engine {
  readonly driver: EngineDriver;
  readonly queue: JobQueue;
}

export function openEngine({ db, directUrl, clock, log, supervise = false }: EngineOptions): Engine {
  const driver = createPgBossDriver({ db, log, supervise, ...(directUrl === undefined ? {} : { directUrl }) });
  return { driver, queue: createJobQueue({ db, driver, clock, log, fates: { 'sync.run': replayRuns({ clock }) } }) };
}
