// What every area of the queue suite works with: a queue, consumers whose handler obeys its test, and waits on conditions.

import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../../src/core/clock.ts';
import { uuidv7 } from '../../../src/core/ids.ts';
import type { Database } from '../../../src/db/database.ts';
import type { EventFields, EventLog } from '../../../src/telemetry/event-log.ts';
import { createAdmission, type Admission } from '../../../queues/admission.ts';
import { createConsumer } from '../../../queues/consumer.ts';
import type { ConsumerOptions } from '../../../queues/consumer-options.ts';
import type { EngineCapabilities, EngineDriver } from '../../../queues/driver.ts';
import { createJobQueue } from '../../../queues/job-queue.ts';
import { completed, type Outcome } from '../../../queues/outcome.ts';
import type { Consumer, Handlers, JobContext, JobQueue, JobView } from '../../../queues/port.ts';
import { createReconciler, type Reconciler } from '../../../queues/reconcile.ts';
import type { JobState } from '../../../queues/states.ts';

/** An engine under test, with a database of its own. */
export interface EngineUnderTest {
  readonly driver: EngineDriver;
  /** Pools of the roles that use the queue. */
  readonly databases: { readonly api: Database; readonly scheduler: Database; readonly worker: Database };
  /** Statements past row level security, to arrange what no verb can do. */
  asSuperuser<R = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<R[]>;
  /** Makes the engine forget a job. */
  lose(jobId: string): Promise<void>;
}

export type EngineFactory = () => Promise<EngineUnderTest>;

/** For a skip with a reason: capabilities must be known before the tests run. */
export type StaticCapabilities = EngineCapabilities;

export type TestHandler = (job: JobContext) => Promise<Outcome>;

export interface Harness extends EngineUnderTest {
  readonly queue: JobQueue;
  readonly admission: Admission;
  readonly reconciler: Reconciler;
  readonly log: RecordedLog;
  /** A started consumer of `maintenance` and `metrics` that hands every job to `handler`; stopped after the test. */
  consume(handler: TestHandler, options?: Partial<ConsumerOptions>): Promise<Consumer & { readonly workerId: string }>;
  /** A job of the system for the queue `maintenance`. */
  enqueue(request?: Partial<Parameters<JobQueue['enqueue']>[0]>): Promise<string>;
  /** Resolves with the job once it is in one of these states. */
  until(jobId: string, ...states: JobState[]): Promise<JobView>;
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

export const done: TestHandler = () => Promise.resolve(completed());

export function harnessOn(engine: EngineUnderTest): Harness {
  const { driver, databases } = engine;
  const log = recordLog();
  const shared = { driver, clock: systemClock, log };
  const queue = createJobQueue({ ...shared, db: databases.api });
  return {
    ...engine,
    queue,
    log,
    admission: createAdmission({ ...shared, db: databases.scheduler }),
    reconciler: createReconciler({ ...shared, db: databases.scheduler, graceMs: 0 }),
    async consume(handler, options = {}) {
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
    },
    async enqueue(request = {}) {
      const job = { kind: 'credential.refresh', payload: { integrationId: randomUUID() }, userId: null, ...request };
      const { jobId } = await queue.enqueue(job as Parameters<JobQueue['enqueue']>[0]);
      return jobId;
    },
    until: (jobId, ...states) =>
      eventually(async () => {
        const job = await queue.get(jobId);
        return job !== null && states.includes(job.state) ? job : undefined;
      }),
  };
}
