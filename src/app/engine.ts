// The queue engine of a process: the driver that the configuration names, and the port above it.

import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { QueueEngine } from '../core/queue-engines.ts';
import type { Secret } from '../core/secret.ts';
import type { Database } from '../db/database.ts';
import type { EngineDriver } from '../../queues/driver.ts';
import { createJobQueue } from '../../queues/job-queue.ts';
import type { JobQueue } from '../../queues/port.ts';
import { cancelAbandonedRuns } from '../scheduler/abandoned-runs.ts';
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

/**
 * The driver of `engine`, whether or not it is the configured one. Only its own library is loaded: each costs a process a
 * third of a second and 30 MB. Throws `config.invalid` without its address.
 */
export async function openDriver(engine: QueueEngine, options: DriverOptions): Promise<EngineDriver> {
  const { config, db, directUrl, log, supervise = false } = options;
  if (engine === 'pgboss') {
    const { createPgBossDriver } = await import('../../queues/drivers/pgboss/driver.ts');
    return createPgBossDriver({ db, log, supervise, ...(directUrl === undefined ? {} : { directUrl }) });
  }
  const { redisUrl, allowEviction } = config.queue;
  if (redisUrl === undefined) throw new AppError('config.invalid', 'expected REDIS_URL for the queue engine bullmq');
  const { createBullMqDriver } = await import('../../queues/drivers/bullmq/driver.ts');
  return createBullMqDriver({ url: redisUrl, allowEviction, log });
}

export interface Engine {
  readonly driver: EngineDriver;
  readonly queue: JobQueue;
}

/** The configured engine. */
export async function openEngine(options: DriverOptions & { readonly clock: Clock }): Promise<Engine> {
  const { config, db, clock, log } = options;
  const driver = await openDriver(config.queue.engine, options);
  const queue = createJobQueue({
    db,
    driver,
    clock,
    log,
    fates: { 'sync.run': replayRuns({ clock }) },
    onAbandoned: cancelAbandonedRuns,
  });
  return { driver, queue };
}
