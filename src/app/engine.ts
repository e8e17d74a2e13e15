// The queue engine of a process: the driver that the configuration names, and the port above it.

import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { QueueEngine } from '../core/queue-engines.ts';
import type { Secret } from '../core/secret.ts';
import type { Database } from '../db/database.ts';
import type { EngineDriver } from '../../queues/driver.ts';
import { createBullMqDriver } from '../../queues/drivers/bullmq/driver.ts';
import { createPgBossDriver } from '../../queues/drivers/pgboss/driver.ts';
import { createJobQueue } from '../../queues/job-queue.ts';
import type { JobQueue } from '../../queues/port.ts';
import { replayRuns } from '../scheduler/replay-runs.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface DriverOptions {
  readonly config: Pick<Config, 'queue'>;
  readonly db: Database;
  /** For LISTEN, past a pooler; without it work of pg-boss is found by polling. */
  readonly directUrl?: Secret;
  readonly log: EventLog;
  /** True in the scheduler: runs pg-boss's own upkeep. */
  readonly supervise?: boolean;
}

/** The driver of `engine`, whether or not it is the configured one. Throws `config.invalid` without its address. */
export function openDriver(engine: QueueEngine, options: DriverOptions): EngineDriver {
  const { config, db, directUrl, log, supervise = false } = options;
  if (engine === 'pgboss')
    return createPgBossDriver({ db, log, supervise, ...(directUrl === undefined ? {} : { directUrl }) });
  const { redisUrl, allowEviction } = config.queue;
  if (redisUrl === undefined) throw new AppError('config.invalid', 'expected REDIS_URL for the queue engine bullmq');
  return createBullMqDriver({ url: redisUrl, allowEviction, log });
}

export interface Engine {
  readonly driver: EngineDriver;
  readonly queue: JobQueue;
}

/** The configured engine. */
export function openEngine(options: DriverOptions & { readonly clock: Clock }): Engine {
  const { config, db, clock, log } = options;
  const driver = openDriver(config.queue.engine, options);
  return { driver, queue: createJobQueue({ db, driver, clock, log, fates: { 'sync.run': replayRuns({ clock }) } }) };
}
