// Jobs through the whole queue, ledger included, beside bare pg-boss with its own workers in its best batch mode; and the
// way in: many at once, and singles side by side.

import { PgBoss } from 'pg-boss';
import { createConsumer } from '../../../queues/consumer.ts';
import { createPgBossDriver } from '../../../queues/drivers/pgboss/driver.ts';
import { createJobQueue } from '../../../queues/job-queue.ts';
import { completed } from '../../../queues/outcome.ts';
import type { Handlers, JobRequest } from '../../../queues/port.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { uuidv7 } from '../../../src/core/ids.ts';
import { Secret } from '../../../src/core/secret.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import type { BenchCase, Figure, Target } from '../bench-case.ts';
import { median, medianRatio, perSecond, timed } from '../measure.ts';
import type { BenchDatabase } from '../world.ts';

const BATCH = 1_000;
const SINGLES_AT_ONCE = 50;
const BARE_QUEUE = 'bare';

interface Sizes {
  readonly jobs: number;
  readonly singles: number;
  readonly rounds: number;
}

interface Rates {
  readonly enqueueMany: number;
  readonly single: number;
  readonly work: number;
}

const batchesOf = (jobs: number): number[] => Array.from({ length: Math.ceil(jobs / BATCH) }, () => BATCH);

/** `count` calls of `one`, so many at once. */
async function sideBySide(count: number, one: () => Promise<unknown>): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: SINGLES_AT_ONCE }, lane));
}

interface Side {
  insert(count: number): Promise<unknown>;
  send(): Promise<unknown>;
  /** Resolves when `count` waiting jobs were worked on. */
  work(count: number): Promise<void>;
  close(): Promise<void>;
}

async function openOurs(database: BenchDatabase, concurrency: number): Promise<Side> {
  const db = database.open('tidemark_worker', 12);
  const directUrl = new Secret(database.urlOf('tidemark_worker'));
  const shared = {
    db,
    driver: createPgBossDriver({ db, directUrl, log: silentLog }),
    clock: systemClock,
    log: silentLog,
  };
  const queue = createJobQueue({ ...shared, db: database.open('tidemark_api', 10) });
  await shared.driver.start();
  const request = (): JobRequest => ({
    kind: 'credential.refresh',
    payload: { integrationId: uuidv7() },
    userId: null,
  });
  const noop = (): Promise<ReturnType<typeof completed>> => Promise.resolve(completed());
  const handlers = { 'sync.run': noop, 'credential.refresh': noop, 'metrics.rollup': noop } satisfies Handlers;
  return {
    insert: (count) => queue.enqueueMany(Array.from({ length: count }, request)),
    send: () => queue.enqueue(request()),
    async work(count) {
      let left = count;
      const done = Promise.withResolvers<void>();
      const consumer = createConsumer({
        ...shared,
        workerId: uuidv7(),
        queues: ['maintenance'],
        concurrency,
        handlers,
        onSettled: () => {
          if (--left === 0) done.resolve();
        },
      });
      await consumer.start();
      await done.promise;
      await consumer.stop();
    },
    close: () => shared.driver.stop(),
  };
}

async function openBare(database: BenchDatabase): Promise<Side> {
  const boss = new PgBoss({
    connectionString: database.superuserUrl,
    schema: 'bare',
    max: 12,
    supervise: false,
    schedule: false,
  });
  boss.on('error', () => undefined);
  await boss.start();
  await boss.createQueue(BARE_QUEUE, { retryLimit: 0 });
  const data = (): object => ({ kind: 'credential.refresh', payload: { integrationId: uuidv7() } });
  return {
    insert: (count) =>
      boss.insert(
        BARE_QUEUE,
        Array.from({ length: count }, () => ({ data: data() })),
      ),
    send: () => boss.send(BARE_QUEUE, data()),
    async work(count) {
      let left = count;
      const done = Promise.withResolvers<void>();
      const mode = { batchSize: 1_000, localConcurrency: 2, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 };
      await boss.work(BARE_QUEUE, mode, async (jobs) => {
        left -= jobs.length;
        if (left <= 0) done.resolve();
        return Promise.resolve();
      });
      await done.promise;
      await boss.offWork(BARE_QUEUE);
    },
    close: () => boss.stop({ graceful: false }),
  };
}

async function measureSide(side: Side, { jobs, singles }: Sizes): Promise<Rates> {
  const single = await timed(() => sideBySide(singles, () => side.send()));
  const many = await timed(async () => {
    for (const count of batchesOf(jobs)) await side.insert(count);
  });
  const work = await timed(() => side.work(jobs + singles));
  return {
    enqueueMany: perSecond(jobs, many),
    single: perSecond(singles, single),
    work: perSecond(jobs + singles, work),
  };
}

const CONCURRENCIES = [50, 500] as const;

async function measure(
  database: BenchDatabase,
  sizes: Sizes,
  note: (text: string) => void,
): Promise<readonly Figure[]> {
  const bare = await openBare(database);
  const ours = await Promise.all(CONCURRENCIES.map((concurrency) => openOurs(database, concurrency)));
  const rates: { readonly bare: Rates; readonly ours: readonly Rates[] }[] = [];
  for (let round = 0; round < sizes.rounds; round++) {
    note(`round ${round + 1} of ${sizes.rounds}`);
    const reference = await measureSide(bare, sizes);
    const sides: Rates[] = [];
    for (const side of ours) sides.push(await measureSide(side, sizes));
    rates.push({ bare: reference, ours: sides });
  }
  await Promise.all([bare, ...ours].map((side) => side.close()));
  const figure = (name: string, of: keyof Rates, at: number, target: Target | null): Figure => {
    const mine = rates.map((round) => round.ours[at]![of]);
    const reference = rates.map((round) => round.bare[of]);
    return {
      name,
      unit: 'jobs/s',
      ours: median(mine),
      reference: median(reference),
      ratio: medianRatio(mine, reference),
      target,
      details: { ...sizes, concurrency: CONCURRENCIES[at] },
    };
  };
  return [
    figure('queue, no-op jobs, 500 in hand', 'work', 1, { of: 'ratio', atLeast: 0.7 }),
    figure('queue, no-op jobs, 50 in hand', 'work', 0, null),
    figure('queue, enqueueMany of 1,000', 'enqueueMany', 0, null),
    figure(`queue, enqueue, ${SINGLES_AT_ONCE} at once`, 'single', 0, null),
  ];
}

export const queue: BenchCase = {
  name: 'queue',
  async run(world, { quick, note }) {
    const database = await world.createDatabase();
    try {
      const sizes = quick ? { jobs: 3_000, singles: 200, rounds: 1 } : { jobs: 20_000, singles: 1_000, rounds: 3 };
      return await measure(database, sizes, note);
    } finally {
      await database.drop();
    }
  },
};
