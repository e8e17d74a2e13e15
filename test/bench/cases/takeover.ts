// A worker is killed with a job in hand: seconds until the job runs elsewhere, with the timings that config has by default.
// The second worker waits for nothing else, so this is heartbeat, reaper, reconciler and claim.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createConsumer } from '../../../queues/consumer.ts';
import { createJobQueue } from '../../../queues/job-queue.ts';
import { completed } from '../../../queues/outcome.ts';
import { createReconciler } from '../../../queues/reconcile.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { uuidv7 } from '../../../src/core/ids.ts';
import { createReaper } from '../../../src/scheduler/reaper.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import type { BenchCase, Figure } from '../bench-case.ts';
import { addressOf, onEachEngine, type BenchEngine } from '../engines.ts';
import { median } from '../measure.ts';
import { handlersOf } from '../sides/ours.ts';

type Mode = 'idle' | 'busy';

interface Survivors {
  enqueue(): Promise<unknown>;
  /** A second worker, from now until the first job that it starts; resolves with the moment. */
  awaitStart(): Promise<number>;
  stop(): Promise<void>;
}

async function openSurvivors(engine: BenchEngine): Promise<Survivors> {
  const { database } = engine;
  const db = database.open('tidemark_worker', 4);
  const schedulerDb = database.open('tidemark_scheduler', 4);
  const shared = { driver: engine.driver(db), clock: systemClock, log: silentLog };
  const schedulerDriver = engine.driver(schedulerDb);
  await shared.driver.start();
  await schedulerDriver.start();
  const queue = createJobQueue({ ...shared, db: database.open('tidemark_api', 2) });
  const reconciler = createReconciler({
    ...shared,
    driver: schedulerDriver,
    db: schedulerDb,
  });
  const reaper = createReaper({
    ...shared,
    db: schedulerDb,
    takeOver: async (workerIds) => (await reconciler.takeOver(workerIds)).requeued,
  });
  await reaper.start();
  return {
    enqueue: () => queue.enqueue({ kind: 'credential.refresh', payload: { integrationId: uuidv7() }, userId: null }),
    async awaitStart() {
      const started = Promise.withResolvers<number>();
      const begin = (): Promise<ReturnType<typeof completed>> => {
        started.resolve(performance.now());
        return Promise.resolve(completed());
      };
      const consumer = createConsumer({
        ...shared,
        db,
        workerId: uuidv7(),
        queues: ['maintenance'],
        concurrency: 1,
        handlers: handlersOf(begin),
      });
      await consumer.start();
      const at = await started.promise;
      await consumer.stop();
      return at;
    },
    async stop() {
      await reaper.stop();
      await schedulerDriver.stop();
      await shared.driver.stop();
    },
  };
}

/** Seconds from SIGKILL to the handler's start in this process. */
async function killOne(engine: BenchEngine, survivors: Survivors, mode: Mode): Promise<number> {
  const file = new URL('../processes/holding-worker.ts', import.meta.url);
  const child = fork(file, [JSON.stringify(addressOf(engine)), mode], { execArgv: [] });
  try {
    await survivors.enqueue();
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('the worker to be killed ended by itself'))),
    ]);
    const start = survivors.awaitStart();
    const from = performance.now();
    child.kill('SIGKILL');
    return ((await start) - from) / 1_000;
  } finally {
    child.kill('SIGKILL');
  }
}

async function measure(engine: BenchEngine, mode: Mode, trials: number): Promise<Figure> {
  const survivors = await openSurvivors(engine);
  const seconds: number[] = [];
  for (let trial = 0; trial < trials; trial++) seconds.push(await killOne(engine, survivors, mode));
  await survivors.stop();
  return {
    name: `${engine.engine}, takeover after SIGKILL, ${mode === 'busy' ? 'CPU-bound' : 'waiting'} handler`,
    unit: 's',
    ours: Math.max(...seconds),
    reference: null,
    ratio: null,
    target: { of: 'ours', atMost: 3 },
    details: { trials, median: median(seconds), shown: 'the longest' },
  };
}

export const takeover: BenchCase = {
  name: 'takeover',
  run: (world, options) =>
    onEachEngine(world, options, async (engine) => [
      await measure(engine, 'idle', options.quick ? 1 : 5),
      await measure(engine, 'busy', options.quick ? 1 : 5),
    ]),
};
