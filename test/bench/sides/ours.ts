// Tidemark's queue on either engine: enqueueing through the port, one-job handlers that do nothing.

import { createConsumer } from '../../../queues/consumer.ts';
import { createHistoryRecorder } from '../../../queues/history-recorder.ts';
import type { EngineDriver } from '../../../queues/driver.ts';
import { createJobQueue } from '../../../queues/job-queue.ts';
import { completed, type Outcome } from '../../../queues/outcome.ts';
import type { Handlers, JobContext, JobRequest } from '../../../queues/port.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { uuidv7 } from '../../../src/core/ids.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import type { BenchEngine } from '../engines.ts';
import { countdown, type Side } from './side.ts';

/** `derived`: short, and no ledger while all is well. `durable`: in the ledger until it is settled. */
export type OurKind = 'derived' | 'durable';

export interface OursOptions {
  readonly engine: BenchEngine;
  readonly driver: EngineDriver;
  readonly kind: OurKind;
  readonly concurrency: number;
}

const REQUESTS: Readonly<Record<OurKind, () => JobRequest>> = {
  derived: () => ({ kind: 'metrics.rollup', payload: { userId: uuidv7(), day: '2026-01-01' }, userId: null }),
  durable: () => ({ kind: 'credential.refresh', payload: { integrationId: uuidv7() }, userId: null }),
};
const QUEUES: Readonly<Record<OurKind, string>> = { derived: 'metrics', durable: 'maintenance' };

/** One handler for every kind. */
export function handlersOf(handle: (job: JobContext) => Promise<Outcome>): Handlers {
  return {
    'sync.run': handle,
    'credential.refresh': handle,
    'credential.test': handle,
    'maintenance.retention': handle,
    'oauth.exchange': handle,
    'webhook.process': handle,
    'message.send': handle,
    'metrics.rollup': handle,
  };
}

const noop = handlersOf(() => Promise.resolve(completed()));

export function openOurs({ engine, driver, kind, concurrency }: OursOptions): Side {
  const shared = { driver, clock: systemClock, log: silentLog };
  const queue = createJobQueue({ ...shared, db: engine.database.open('tidemark_api', 10) });
  const db = engine.database.open('tidemark_worker', 12);
  const request = REQUESTS[kind];
  return {
    insert: (count) => queue.enqueueMany(Array.from({ length: count }, request)),
    send: () => queue.enqueue(request()),
    async work(count) {
      const { one: onSettled, done } = countdown(count);
      const history = createHistoryRecorder({ ...shared, db });
      const consumer = createConsumer({
        ...shared,
        db,
        workerId: uuidv7(),
        queues: [QUEUES[kind]],
        concurrency,
        handlers: noop,
        onSettled,
        history,
      });
      const from = performance.now();
      await history.start();
      await consumer.start();
      await done;
      const ms = performance.now() - from;
      await consumer.stop();
      await history.stop();
      return ms;
    },
    close: () => Promise.resolve(),
  };
}
