// Two engines on one ledger, as a switch finds them: a database and a private Redis of their own, jobs of every sort in the
// engine that is to be left, and consumers that remember what ran.

import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import type { QueueEngine } from '../../src/core/queue-engines.ts';
import type { Secret } from '../../src/core/secret.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { QUEUES } from '../../queues/catalog.ts';
import { createConsumer } from '../../queues/consumer.ts';
import type { EngineDriver, EngineRecord } from '../../queues/driver.ts';
import { createBullMqDriver } from '../../queues/drivers/bullmq/driver.ts';
import { createPgBossDriver } from '../../queues/drivers/pgboss/driver.ts';
import { createJobQueue } from '../../queues/job-queue.ts';
import { completed, snooze } from '../../queues/outcome.ts';
import type { Consumer, JobContext, JobQueue } from '../../queues/port.ts';
import { handlersOf, type TestHandler } from '../conformance/queue/harness.ts';
import type { TestDatabase } from './postgres.ts';
import { waitFor } from './wait.ts';

const HOUR_MS = 3_600_000;

export interface Runs {
  /** How often each job completed, by id. */
  readonly counts: Map<string, number>;
  readonly handler: TestHandler;
}

/** A handler that completes every job and counts it. */
export function countRuns(): Runs {
  const counts = new Map<string, number>();
  const handler = ({ jobId }: JobContext) => {
    counts.set(jobId, (counts.get(jobId) ?? 0) + 1);
    return Promise.resolve(completed());
  };
  return { counts, handler };
}

export interface SwitchWorld {
  readonly database: TestDatabase;
  readonly drivers: Readonly<Record<QueueEngine, EngineDriver>>;
  queueOn(engine: QueueEngine): JobQueue;
  /** A started consumer of all queues; stopped after the test. */
  consume(engine: QueueEngine, handler: TestHandler, driver?: EngineDriver): Promise<Consumer>;
  /** What an engine holds that is not over. */
  held(engine: QueueEngine): Promise<readonly EngineRecord[]>;
  stop(): Promise<void>;
}

/** Pools are closed by the database. */
export async function createSwitchWorld(database: TestDatabase, redisUrl: Secret): Promise<SwitchWorld> {
  const worker = database.open('tidemark_worker', 12);
  const api = database.open('tidemark_api', 6);
  const drivers = {
    pgboss: createPgBossDriver({ db: worker, log: silentLog }),
    bullmq: createBullMqDriver({ url: redisUrl, log: silentLog }),
  };
  await drivers.pgboss.start();
  await drivers.bullmq.start();
  const shared = { clock: systemClock, log: silentLog };
  return {
    database,
    drivers,
    queueOn: (engine) => createJobQueue({ ...shared, db: api, driver: drivers[engine], backlogPerUser: 1 }),
    async consume(engine, handler, driver = drivers[engine]) {
      const workerId = uuidv7();
      const consumer = createConsumer({
        ...shared,
        db: worker,
        driver,
        workerId,
        queues: QUEUES,
        concurrency: 10,
        handlers: handlersOf(handler),
        watchMs: 50,
        pollMs: 50,
        drainMs: 50,
        abandonAfterMs: 100,
      });
      await database.asSuperuser(
        `insert into workers (id, hostname, pid, concurrency, engine) values ($1, 'test', 1, 10, $2)`,
        [workerId, engine],
      );
      onTestFinished(() => consumer.stop());
      await consumer.start();
      return consumer;
    },
    held: (engine) => drivers[engine].list({ queues: QUEUES, states: ['waiting', 'delayed', 'active'], limit: 1_000 }),
    async stop() {
      await drivers.bullmq.stop();
      await drivers.pgboss.stop();
    },
  };
}

/** Ids of the jobs that a test left in the engine, by what is the matter with them. */
export interface Arranged {
  /** In the ledger and in the engine. */
  readonly waiting: readonly string[];
  /** In the ledger alone: their user has no room in the engine. */
  readonly pending: readonly string[];
  /** In the ledger and in the engine, due in an hour. */
  readonly snoozed: string;
  /** In the engine alone. */
  readonly derived: readonly string[];
  /** In the engine alone, due in an hour. */
  readonly derivedLater: string;
  readonly dead: string;
  /** Of the last but one derived job: its user and day are its unique key. */
  readonly keyed: { readonly userId: string; readonly day: string };
}

const refresh = (over: object = {}) =>
  ({ kind: 'credential.refresh', payload: { integrationId: randomUUID() }, userId: null, ...over }) as const;

const rollup = (userId: string, day: string, over: object = {}) =>
  ({ kind: 'metrics.rollup', payload: { userId, day }, userId, uniqueKey: `${userId}:${day}`, ...over }) as const;

/** One that was snoozed and one that died, by a worker that is gone again. */
async function arrangeEnded(world: SwitchWorld, engine: QueueEngine) {
  const queue = world.queueOn(engine);
  const { jobId: snoozed } = await queue.enqueue(refresh());
  const { jobId: dead } = await queue.enqueue(refresh());
  const consumer = await world.consume(engine, ({ jobId }) => {
    if (jobId === snoozed) return Promise.resolve(snooze(HOUR_MS, 'later'));
    throw new AppError('internal', 'this job is meant to die');
  });
  await waitFor(async () => (await queue.get(dead))?.state === 'dead', { what: 'the job to die' });
  await waitFor(async () => (await queue.get(snoozed))?.state === 'delayed', { what: 'the job to sleep' });
  await consumer.stop();
  await world.database.asSuperuser(`update workers set status = 'stopped', stopped_at = now()`);
  return { snoozed, dead };
}

/** Jobs of every sort, unfinished, in `engine`. */
export async function arrangeJobs(world: SwitchWorld, engine: QueueEngine): Promise<Arranged> {
  const { snoozed, dead } = await arrangeEnded(world, engine);
  const queue = world.queueOn(engine);
  const crowded = randomUUID();
  const waiting = await queue.enqueueMany([refresh(), refresh(), refresh({ userId: crowded })]);
  const pending = await queue.enqueueMany([refresh({ userId: crowded }), refresh({ userId: crowded })]);
  const userId = randomUUID();
  const derived = await queue.enqueueMany([rollup(userId, '2026-01-01'), rollup(userId, '2026-01-02')]);
  const runAt = new Date(Date.now() + HOUR_MS);
  const later = await queue.enqueue(rollup(userId, '2026-01-03', { runAt }));
  const ids = (enqueued: readonly { readonly jobId: string }[]) => enqueued.map(({ jobId }) => jobId);
  return {
    waiting: ids(waiting),
    pending: ids(pending),
    snoozed,
    derived: ids(derived),
    derivedLater: later.jobId,
    dead,
    keyed: { userId, day: '2026-01-02' },
  };
}

/** The same request that made the keyed derived job. */
export function keyedAgain({ keyed }: Arranged) {
  return rollup(keyed.userId, keyed.day);
}
