// A worker process of the chaos test, to be killed. Its handler does one thing, once: it writes the job's id under the
// lease of the job's user, as real handlers write what they read. Takes its settings from the environment.

import { loadConfig } from '../../src/config/load-config.ts';
import { createDatabaseService } from '../../src/app/database-service.ts';
import { openEngine } from '../../src/app/engine.ts';
import { systemClock } from '../../src/core/clock.ts';
import { runProcess } from '../../src/lifecycle/process-main.ts';
import { acquireLease, releaseLease } from '../../src/store/stream-leases.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { QUEUES } from '../../queues/catalog.ts';
import { handlersOf } from '../bench/sides/ours.ts';
import { createConsumer } from '../../queues/consumer.ts';
import { completed, snooze, type Outcome } from '../../queues/outcome.ts';
import type { JobContext } from '../../queues/port.ts';
import { createLiveness, DECLARED_DEAD_EXIT_CODE } from '../../workers/liveness.ts';

const POOL_SIZE = 8;

const config = loadConfig();
const url = config.database.url!;
const log = createLogger({ level: config.logLevel, role: 'worker', to: 'stderr' });
const clock = systemClock;
const { db, service } = createDatabaseService({ role: 'tidemark_worker', url, poolSize: POOL_SIZE, log });
const { driver } = await openEngine({ config, db, directUrl: url, clock, log });
const ended = Promise.withResolvers<number>();
const liveness = createLiveness({
  databaseUrl: url,
  concurrency: config.worker.concurrency,
  engine: config.queue.engine,
  heartbeatMs: config.worker.heartbeatMs,
  log,
  onDead: () => ended.resolve(DECLARED_DEAD_EXIT_CODE),
});

/** A job that was begun twice, because its end was lost with a worker or a server, finds its effect there. */
async function takeEffect({ jobId, workerId, userId, payload }: JobContext): Promise<Outcome> {
  const token = await acquireLease(db, jobId, workerId);
  if (token === null) return snooze(100, 'somebody else has the job, or soon will');
  await db.tx({ kind: 'lease', token }, async (tx) => {
    await tx.query(
      `with run as (insert into chaos_runs (job_id, user_id, payload) values ($1, $2, $3))
       insert into chaos_effects (job_id, user_id, payload) values ($1, $2, $3) on conflict (job_id) do nothing`,
      [jobId, userId, JSON.stringify(payload)],
    );
  });
  await releaseLease(db, token);
  return completed();
}

const consumer = createConsumer({
  workerId: liveness.workerId,
  queues: QUEUES,
  concurrency: config.worker.concurrency,
  db,
  driver,
  handlers: handlersOf(takeEffect),
  clock,
  log,
});
const services = [service, driver, liveness, consumer];
process.exit(await runProcess({ services, ended: ended.promise, drainMs: config.drainMs, log }));
