// From the door of another service to the first line of the handler, on an idle worker with whoever admits beside it: a
// commit of `tidemark_enqueue`, and BullMQ's own `Queue.add`. The port's own way is the case trigger-to-start.

import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { createAdmission } from '../../../queues/admission.ts';
import { createConsumer } from '../../../queues/consumer.ts';
import { createAdmissionLoop } from '../../../queues/loops.ts';
import { completed } from '../../../queues/outcome.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { uuidv7 } from '../../../src/core/ids.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import type { BenchCase, Figure } from '../bench-case.ts';
import { onEachEngine, type BenchEngine } from '../engines.ts';
import { quantile, timed } from '../measure.ts';
import { bullMqConnection } from '../sides/bare-bullmq.ts';
import { handlersOf } from '../sides/ours.ts';
import { openProducer } from '../sides/producer.ts';

const WARM_UP = 5;
/** Admission looks that often by itself; a job at a fixed place between two looks would say nothing. */
const LOOK_MS = 500;

interface Idle {
  /** Milliseconds from the call until the handler of the job starts. */
  start(send: () => Promise<unknown>): Promise<number>;
  stop(): Promise<void>;
}

async function openIdle(engine: BenchEngine): Promise<Idle> {
  const db = engine.database.open('tidemark_worker', 4);
  const shared = { driver: engine.driver(db), clock: systemClock, log: silentLog };
  await shared.driver.start();
  const admission = createAdmission({ ...shared, db: engine.database.open('tidemark_scheduler', 3) });
  const loop = createAdmissionLoop({ ...shared, admission });
  let onStart: () => void = () => undefined;
  const consumer = createConsumer({
    ...shared,
    db,
    workerId: uuidv7(),
    queues: ['maintenance'],
    concurrency: 10,
    handlers: handlersOf(() => {
      onStart();
      return Promise.resolve(completed());
    }),
  });
  await loop.start();
  await consumer.start();
  return {
    async start(send) {
      const { promise: started, resolve } = Promise.withResolvers<void>();
      onStart = resolve;
      return await timed(() => Promise.all([send(), started]));
    },
    async stop() {
      await consumer.stop();
      await loop.stop();
      await shared.driver.stop();
    },
  };
}

async function measure(engine: BenchEngine, trials: number): Promise<readonly Figure[]> {
  const idle = await openIdle(engine);
  const producer = await openProducer(engine, 1);
  const queue =
    engine.redisUrl === null
      ? null
      : new Queue('maintenance', { connection: bullMqConnection(engine.redisUrl), prefix: '{tidemark}' });
  const doors = [
    { name: 'SQL', send: () => producer.send() },
    ...(queue === null
      ? []
      : [{ name: 'Queue.add', send: () => queue.add('credential.refresh', { integrationId: uuidv7() }) }]),
  ];
  const figures: Figure[] = [];
  for (const { name, send } of doors) {
    const times: number[] = [];
    for (let n = 0; n < trials + WARM_UP; n++) {
      await delay((n / trials) * LOOK_MS);
      const ms = await idle.start(send);
      if (n >= WARM_UP) times.push(ms);
    }
    for (const q of [0.5, 0.95])
      figures.push({
        name: `${engine.engine}, ${name} to start, p${100 * q}`,
        unit: 'ms',
        ours: quantile(times, q),
        reference: null,
        ratio: null,
        target: null,
        details: { trials, max: Math.max(...times) },
      });
  }
  await queue?.close();
  await producer.close();
  await idle.stop();
  return figures;
}

export const doorToStart: BenchCase = {
  name: 'door-to-start',
  run: (world, options) =>
    onEachEngine(world, options, async (engine) => await measure(engine, options.quick ? 30 : 100)),
};
