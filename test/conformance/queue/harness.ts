// What every area of the queue suite works with: a queue, consumers whose handler obeys its test, and waits on conditions.

import { onTestFinished } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../../src/core/clock.ts';
import { uuidv7 } from '../../../src/core/ids.ts';
import type { Database } from '../../../src/db/database.ts';
import type { EventFields, EventLog } from '../../../src/telemetry/event-log.ts';
import { createAdmission, type Admission } from '../../../queues/admission.ts';
import { deadLetterOf } from '../../../queues/catalog.ts';
import { createConsumer } from '../../../queues/consumer.ts';
import type { ConsumerOptions } from '../../../queues/consumer-options.ts';
import type { EngineCapabilities, EngineDriver } from '../../../queues/driver.ts';
import { createJobQueue } from '../../../queues/job-queue.ts';
import { completed, type Outcome } from '../../../queues/outcome.ts';
import type { Consumer, Handlers, JobContext, JobQueue, JobRequest, JobView } from '../../../queues/port.ts';
import { createReconciler, type Reconciler, type ReconcilerDeps } from '../../../queues/reconcile.ts';
import type { JobState } from '../../../queues/states.ts';
import { LEDGERED, type JobLane } from './lanes.ts';

/** An engine under test, with a database of its own. */
export interface EngineUnderTest {
  readonly driver: EngineDriver;
  /** Pools of the roles that use the queue. */
  readonly databases: { readonly api: Database; readonly scheduler: Database; readonly worker: Database };
  /** Statements past row level security, to arrange what no verb can do. */
  asSuperuser<R = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<R[]>;
  /** Makes the engine forget a job, its unique key included. */
  lose(jobId: string): Promise<void>;
  /** Puts a job into the engine past Tidemark, by the engine's own door; answers the engine's id. */
  addNative?(queue: string, job: NativeJob): Promise<string>;
  /** Makes the engine forget everything; only where it may lose what Postgres keeps. */
  wipe?(): Promise<void>;
  /** Takes the engine away until the answer is called; only where it may be away while Postgres is there. */
  leave?(): Promise<() => Promise<void>>;
}

export interface NativeJob {
  readonly kind: string;
  readonly payload: unknown;
}

export type EngineFactory = () => Promise<EngineUnderTest>;

/** For a skip with a reason: capabilities must be known before the tests run. */
export type StaticCapabilities = EngineCapabilities;

export type TestHandler = (job: JobContext) => Promise<Outcome>;

export interface Harness extends EngineUnderTest {
  readonly lane: JobLane;
  /** Dead letter of the lane's queue. */
  readonly deadQueue: string;
  readonly queue: JobQueue;
  readonly admission: Admission;
  /** One that waits for nothing. */
  readonly reconciler: Reconciler;
  reconcilerWith(options: Partial<ReconcilerDeps>): Reconciler;
  readonly log: RecordedLog;
  /** A started consumer of `maintenance` and `metrics` that hands every job to `handler`; stopped after the test. */
  consume(handler: TestHandler, options?: Partial<ConsumerOptions>): Promise<Consumer & { readonly workerId: string }>;
  /** A request of the lane's kind, like no other. */
  request(overrides?: Partial<JobRequest>): JobRequest;
  /** Enqueues one; answers its id. */
  enqueue(overrides?: Partial<JobRequest>): Promise<string>;
  /** A worker that stops dead with this job in hand: it neither claims, hears nor settles anything until `release`. */
  dieWith(jobId: string, ending?: TestHandler): Promise<DeadWorker>;
  /** Resolves with the job once it is in one of these states. */
  until(jobId: string, ...states: JobState[]): Promise<JobView>;
}

export interface DeadWorker {
  readonly workerId: string;
  /** It wakes up, ends its handler and goes. */
  readonly release: () => void;
}

export interface RecordedLog extends EventLog {
  readonly events: readonly { readonly event: string; readonly fields: EventFields }[];
}

export function recordLog(): RecordedLog {
  const events: { event: string; fields: EventFields }[] = [];
  const log: RecordedLog = {
    events,
    emit: (event, fields = {}) => void events.push({ event, fields }),
    with: () => log,
  };
  return log;
}

/** Waits until `probe` answers something; fails the test by its time limit otherwise. */
export async function eventually<T>(probe: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    await delay(5);
  }
}

export function handlersOf(handler: TestHandler): Handlers {
  const any = handler as never;
  return new Proxy({} as Handlers, { get: () => any });
}

/** Longer than any test. */
const NEVER_MS = 3_600_000;

export const done: TestHandler = () => Promise.resolve(completed());

export function harnessOn(engine: EngineUnderTest, lane: JobLane = LEDGERED): Harness {
  const { driver, databases } = engine;
  const log = recordLog();
  const shared = { driver, clock: systemClock, log };
  const queue = createJobQueue({ ...shared, db: databases.api });
  const request = (overrides: Partial<JobRequest> = {}): JobRequest => ({ ...lane.request(), ...overrides });
  const reconcilerWith = (options: Partial<ReconcilerDeps>): Reconciler =>
    createReconciler({ ...shared, db: databases.scheduler, ...options });
  const consume: Harness['consume'] = async (handler, options = {}) => {
    const workerId = options.workerId ?? uuidv7();
    const consumer = createConsumer({
      ...shared,
      db: databases.worker,
      workerId,
      queues: ['maintenance', 'metrics'],
      concurrency: 5,
      handlers: handlersOf(handler),
      watchMs: 50,
      pollMs: 100,
      drainMs: 50,
      abandonAfterMs: 200,
      random: () => 0,
      ...options,
    });
    onTestFinished(() => consumer.stop());
    await consumer.start();
    return Object.assign(consumer, { workerId });
  };
  return {
    ...engine,
    lane,
    deadQueue: deadLetterOf(lane.queue),
    queue,
    request,
    log,
    admission: createAdmission({ ...shared, db: databases.scheduler }),
    reconciler: reconcilerWith({ graceMs: 0 }),
    reconcilerWith,
    consume,
    enqueue: async (overrides) => (await queue.enqueue(request(overrides))).jobId,
    async dieWith(jobId, ending = () => Promise.resolve(completed('too late'))) {
      const held = frozen(ending);
      // Draining without end: nothing new is claimed, and what is in hand goes on.
      const consumer = await consume(held.handler, { concurrency: 1, watchMs: NEVER_MS, drainMs: NEVER_MS });
      // The last hook is called first: before the one that waits for the consumer.
      onTestFinished(held.release);
      await eventually(() => held.jobs.some((job) => job.jobId === jobId));
      void consumer.stop();
      return { workerId: consumer.workerId, release: held.release };
    },
    until: (jobId, ...states) =>
      eventually(async () => {
        const job = await queue.get(jobId);
        return job !== null && states.includes(job.state) ? job : undefined;
      }),
  };
}

export interface Frozen {
  readonly handler: TestHandler;
  /** What it was given. */
  readonly jobs: readonly JobContext[];
  readonly release: () => void;
}

/** A handler like that of a process that stopped: it neither ends nor hears its signal until `release`, or the test's end. */
export function frozen(ending: TestHandler = () => Promise.resolve(completed('too late'))): Frozen {
  const gate = Promise.withResolvers<void>();
  const jobs: JobContext[] = [];
  const handler: TestHandler = async (job) => {
    jobs.push(job);
    await gate.promise;
    return await ending(job);
  };
  onTestFinished(() => gate.resolve());
  return { handler, jobs, release: gate.resolve };
}
