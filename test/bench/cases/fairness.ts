// One user floods, 99 quiet ones want a job done now and then: how much longer they wait than without the flood, how long a
// person's click takes in it, and whether weights share out what is served.

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createAdmission } from '../../../queues/admission.ts';
import { createConsumer } from '../../../queues/consumer.ts';
import { createJobQueue } from '../../../queues/job-queue.ts';
import { createAdmissionLoop } from '../../../queues/loops.ts';
import { completed, type Outcome } from '../../../queues/outcome.ts';
import type { JobContext, JobRequest } from '../../../queues/port.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { uuidv7 } from '../../../src/core/ids.ts';
import type { WorkClass } from '../../../src/core/work-class.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import type { BenchCase, BenchOptions, Figure } from '../bench-case.ts';
import { onEachEngine, type BenchEngine } from '../engines.ts';
import { quantile } from '../measure.ts';
import { handlersOf } from '../sides/ours.ts';

const QUIET_USERS = 99;
const HANDLER_MS = 5;
const CONCURRENCY = 20;
const CONSUMERS = 2;
const BATCH = 1_000;
/** Quiet users ask one after the other, so far apart. */
const EVERY_MS = 20;
const WEIGHTS = [1, 3] as const;
/** Users of each weight: with a few, the bound of one user's backlog inside the engine alone would share out. */
const USERS_PER_WEIGHT = 4;

interface Rig {
  /** Handlers begun, by user. */
  readonly served: Map<string, number>;
  /** Milliseconds from the call of `enqueue` to the start of the handler. */
  wait(userId: string, workClass?: WorkClass): Promise<number>;
  flood(userId: string, jobs: number): Promise<void>;
  /** Unsettled jobs. */
  left(): Promise<number>;
  /** Forgets whatever is left. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

function requestOf(userId: string, workClass: WorkClass = 'incremental'): JobRequest {
  const integrationId = randomUUID();
  return { kind: 'credential.refresh', payload: { integrationId }, uniqueKey: integrationId, userId, workClass };
}

async function openRig(engine: BenchEngine): Promise<Rig> {
  const { database } = engine;
  const shared = { clock: systemClock, log: silentLog };
  const started = new Map<string, () => void>();
  const served = new Map<string, number>();
  const handle = async ({ userId, payload }: JobContext): Promise<Outcome> => {
    const { integrationId } = payload as { readonly integrationId: string };
    started.get(integrationId)?.();
    served.set(userId ?? '', (served.get(userId ?? '') ?? 0) + 1);
    await delay(HANDLER_MS);
    return completed();
  };
  const schedulerDb = database.open('tidemark_scheduler', 4);
  const driver = engine.driver(schedulerDb);
  const queue = createJobQueue({ ...shared, driver, db: database.open('tidemark_api', 8) });
  const admission = createAdmission({ ...shared, driver, db: schedulerDb });
  const workers = Array.from({ length: CONSUMERS }, () => {
    const db = database.open('tidemark_worker', 8);
    const own = engine.driver(db);
    const consumer = createConsumer({
      ...shared,
      db,
      driver: own,
      workerId: uuidv7(),
      queues: ['maintenance'],
      concurrency: CONCURRENCY,
      handlers: handlersOf(handle),
    });
    return [own, consumer];
  });
  const services = [driver, ...workers.flat(), createAdmissionLoop({ admission, driver, ...shared })];
  for (const service of services) await service.start();
  async function left(): Promise<number> {
    const [row] = await database.asSuperuser<{ jobs: number }>('select count(*)::integer as jobs from job_ledger');
    return row!.jobs;
  }
  return {
    served,
    async wait(userId, workClass) {
      const request = requestOf(userId, workClass);
      const { promise, resolve } = Promise.withResolvers<void>();
      started.set(request.uniqueKey!, resolve);
      const from = performance.now();
      await queue.enqueue(request);
      await promise;
      started.delete(request.uniqueKey!);
      return performance.now() - from;
    },
    async flood(userId, jobs) {
      for (let left = jobs; left > 0; left -= BATCH)
        await queue.enqueueMany(Array.from({ length: Math.min(left, BATCH) }, () => requestOf(userId)));
    },
    left,
    async clear() {
      await database.asSuperuser(`delete from job_ledger where state = 'pending'`);
      while ((await left()) > 0) await delay(50);
    },
    async close() {
      for (const service of services.toReversed()) await service.stop();
    },
  };
}

/** Every quiet user once, one after the other; resolves with their waits. */
async function askQuietly(rig: Rig, users: readonly string[]): Promise<readonly number[]> {
  const waits: Promise<number>[] = [];
  for (const userId of users) {
    waits.push(rig.wait(userId));
    await delay(EVERY_MS);
  }
  return await Promise.all(waits);
}

interface Waits {
  readonly unloaded: readonly number[];
  readonly flooded: readonly number[];
  readonly interactive: readonly number[];
  /** Jobs of the flood that were not done when the last quiet one was. */
  readonly floodLeft: number;
}

async function measureWaits(rig: Rig, { flood, rounds }: { flood: number; rounds: number }): Promise<Waits> {
  const users = Array.from({ length: QUIET_USERS }, () => uuidv7());
  const unloaded: number[] = [];
  const flooded: number[] = [];
  const interactive: number[] = [];
  let floodLeft = Infinity;
  await askQuietly(rig, users);
  for (let round = 0; round < rounds; round++) {
    unloaded.push(...(await askQuietly(rig, users)));
    const noisy = uuidv7();
    await rig.flood(noisy, flood);
    // The click is the flooding user's own: nobody has more in front of it.
    const click = rig.wait(noisy, 'interactive');
    flooded.push(...(await askQuietly(rig, users)));
    interactive.push(await click, await rig.wait(noisy, 'interactive'));
    floodLeft = Math.min(floodLeft, await rig.left());
    await rig.clear();
  }
  return { unloaded, flooded, interactive, floodLeft };
}

/** How often users of the heavier weight were served for each time that those of the lighter one were. */
async function measureWeights(rig: Rig, engine: BenchEngine, jobs: number): Promise<number> {
  const users = WEIGHTS.flatMap((weight) => Array.from({ length: USERS_PER_WEIGHT }, () => ({ id: uuidv7(), weight })));
  for (const { id, weight } of users)
    await engine.database.asSuperuser('insert into fair_shares (user_id, weight) values ($1, $2)', [id, weight]);
  for (const { id } of users) await rig.flood(id, jobs);
  rig.served.clear();
  const servedOf = (wanted: number): number =>
    users.filter(({ weight }) => weight === wanted).reduce((sum, { id }) => sum + (rig.served.get(id) ?? 0), 0);
  // While everybody still has work waiting.
  while (servedOf(WEIGHTS[1]) < (USERS_PER_WEIGHT * jobs) / 2) await delay(10);
  const ratio = servedOf(WEIGHTS[1]) / servedOf(WEIGHTS[0]);
  await rig.clear();
  return ratio;
}

async function measure(engine: BenchEngine, { quick, note }: BenchOptions): Promise<readonly Figure[]> {
  const rig = await openRig(engine);
  const { unloaded, flooded, interactive, floodLeft } = await measureWaits(rig, {
    flood: 10_000,
    rounds: quick ? 1 : 3,
  });
  note(`${engine.engine}, weights`);
  const weighed = await measureWeights(rig, engine, quick ? 300 : 1_000);
  await rig.close();
  const details = { handlerMs: HANDLER_MS, concurrency: CONCURRENCY, consumers: CONSUMERS, flood: 10_000, floodLeft };
  const waiting = (q: number, atLeast: number | null): Figure => {
    const [ours, reference] = [quantile(flooded, q), quantile(unloaded, q)];
    return {
      name: `${engine.engine}, quiet user's wait in a flood, p${100 * q}`,
      unit: 'ms',
      ours,
      reference,
      ratio: reference / ours,
      target: atLeast === null ? null : { of: 'ratio', atLeast },
      details: { ...details, reference: 'without the flood' },
    };
  };
  return [
    waiting(0.5, 0.5),
    waiting(0.95, 0.5),
    {
      name: `${engine.engine}, flooding user's click to start`,
      unit: 'ms',
      ours: Math.max(...interactive),
      reference: null,
      ratio: null,
      target: { of: 'ours', atMost: 1_000 },
      details: { ...details, shown: 'the longest', clicks: interactive.length },
    },
    {
      name: `${engine.engine}, served ratio of weights ${WEIGHTS.join(':')}`,
      unit: 'x',
      ours: weighed,
      reference: WEIGHTS[1] / WEIGHTS[0],
      ratio: weighed / (WEIGHTS[1] / WEIGHTS[0]),
      target: null,
      details: { usersPerWeight: USERS_PER_WEIGHT },
    },
  ];
}

export const fairness: BenchCase = {
  name: 'fairness',
  run: (world, options) => onEachEngine(world, options, (engine) => measure(engine, options)),
};
