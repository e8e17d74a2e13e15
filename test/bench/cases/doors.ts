// How fast other services can enqueue durable jobs, by each door: HTTP singles and bulk, the SQL function, BullMQ's own
// `Queue.add`. Beside it what the door stands on: the port in this process, a bare insert, a bare add. Client and server of
// HTTP share this process, so its figures are on the low side.

import { Queue } from 'bullmq';
import { uuidv7 } from '../../../src/core/ids.ts';
import { systemClock as clock } from '../../../src/core/clock.ts';
import { silentLog as log } from '../../../src/telemetry/event-log.ts';
import { createJobQueue } from '../../../queues/job-queue.ts';
import type { JobRequest } from '../../../queues/port.ts';
import type { BenchCase, Figure } from '../bench-case.ts';
import { onEachEngine, type BenchEngine } from '../engines.ts';
import { median, medianRatio, perSecond, timed } from '../measure.ts';
import { openBenchApi } from '../sides/api.ts';
import { bullMqConnection } from '../sides/bare-bullmq.ts';
import { openProducer } from '../sides/producer.ts';
import { withClient } from '../world.ts';

interface Sizes {
  readonly singles: number;
  readonly bulk: number;
  readonly rounds: number;
}

const FULL: Sizes = { singles: 5_000, bulk: 20_000, rounds: 5 };
const QUICK: Sizes = { singles: 600, bulk: 4_000, rounds: 3 };
const AT_ONCE = 50;
const CONNECTIONS = 10;
const BATCH = 1_000;

const payload = () => ({ integrationId: uuidv7() });
const request = (): JobRequest => ({ kind: 'credential.refresh', payload: payload(), userId: null });

async function sideBySide(count: number, lanes: number, one: () => Promise<unknown>): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

interface Door {
  readonly name: string;
  readonly jobs: number;
  enter(): Promise<void>;
}

interface Pair {
  readonly door: Door;
  readonly bare: Door | null;
}

/** In rounds of all of them, so that each pair is measured side by side. */
async function measure(engine: string, pairs: readonly Pair[], sizes: Sizes): Promise<readonly Figure[]> {
  const rates = new Map<Door, number[]>();
  const doors = [...new Set(pairs.flatMap(({ door, bare }) => (bare === null ? [door] : [door, bare])))];
  for (let round = 0; round < sizes.rounds; round++)
    for (const door of doors) {
      const rate = perSecond(door.jobs, await timed(() => door.enter()));
      rates.set(door, [...(rates.get(door) ?? []), rate]);
    }
  return pairs.map(({ door, bare }) => ({
    name: `doors, ${engine}, ${door.name}`,
    unit: 'jobs/s',
    ours: median(rates.get(door)!),
    reference: bare === null ? null : median(rates.get(bare)!),
    ratio: bare === null ? null : medianRatio(rates.get(door)!, rates.get(bare)!),
    target: null,
    details: { ...sizes, ...(bare === null ? {} : { reference: bare.name }) },
  }));
}

async function sqlDoors(engine: BenchEngine, { singles, bulk }: Sizes) {
  const insert = `insert into bare_jobs (payload) values (jsonb_build_object('integrationId', gen_random_uuid()))`;
  const pool = engine.database.open('tidemark_owner', CONNECTIONS);
  const producer = await openProducer(engine, CONNECTIONS);
  const userId = uuidv7();
  const alone = (name: string, one: () => Promise<unknown>): Door => ({
    name,
    jobs: singles,
    enter: () => sideBySide(singles, CONNECTIONS, one),
  });
  const together = (name: string, all: () => Promise<void>): Door => ({ name, jobs: bulk, enter: all });
  const insertTogether = () =>
    withClient(engine.database.superuserUrl, async (client) => {
      await client.query('begin');
      for (let left = bulk; left > 0; left--) await client.query(insert);
      await client.query('commit');
    });
  const bareAlone = alone('bare insert', () => pool.query(insert));
  const pairs: readonly Pair[] = [
    { door: alone('SQL, each in its own transaction', () => producer.send()), bare: bareAlone },
    { door: alone('SQL, the same, of one user', () => producer.send(userId)), bare: bareAlone },
    {
      door: together('SQL, many in one transaction', () => producer.sendTogether(bulk)),
      bare: together('bare inserts', insertTogether),
    },
  ];
  return { pairs, close: () => producer.close() };
}

/** Added past Tidemark; counted when they are in Redis. */
async function nativeDoors(engine: BenchEngine, { singles, bulk }: Sizes) {
  const connection = bullMqConnection(engine.redisUrl!);
  const open = (prefix: string) => new Queue('maintenance', { connection, prefix });
  const [ours, bare] = [open('{tidemark}'), open('{bare}')];
  await Promise.all([ours.waitUntilReady(), bare.waitUntilReady()]);
  const alone = (name: string, queue: Queue): Door => ({
    name,
    jobs: singles,
    enter: () => sideBySide(singles, AT_ONCE, () => queue.add('credential.refresh', payload())),
  });
  const jobs = () => Array.from({ length: BATCH }, () => ({ name: 'credential.refresh', data: payload() }));
  const together = (name: string, queue: Queue): Door => ({
    name,
    jobs: bulk,
    async enter() {
      for (let left = bulk; left > 0; left -= BATCH) await queue.addBulk(jobs());
    },
  });
  const pairs: readonly Pair[] = [
    { door: alone('Queue.add, 50 at once', ours), bare: alone('the same under another prefix', bare) },
    { door: together('Queue.addBulk of 1,000', ours), bare: together('the same under another prefix', bare) },
  ];
  return { pairs, close: async () => void (await Promise.all([ours.close(), bare.close()])) };
}

async function measureEngine(engine: BenchEngine, sizes: Sizes): Promise<readonly Figure[]> {
  const { singles, bulk } = sizes;
  const driver = engine.driver(engine.database.open('tidemark_worker', 12));
  await driver.start();
  const db = engine.database.open('tidemark_api', 10);
  const queue = createJobQueue({ db, driver, clock, log });
  const api = await openBenchApi(db, queue);
  const body = () => ({ kind: 'credential.refresh', payload: payload() });
  const port: Door = {
    name: 'enqueue in this process, 50 at once',
    jobs: singles,
    enter: () => sideBySide(singles, AT_ONCE, () => queue.enqueue(request())),
  };
  const many: Door = {
    name: 'enqueueMany of 1,000 in this process',
    jobs: bulk,
    async enter() {
      for (let left = bulk; left > 0; left -= BATCH) await queue.enqueueMany(Array.from({ length: BATCH }, request));
    },
  };
  const single: Door = {
    name: 'HTTP, 50 at once',
    jobs: singles,
    enter: () => sideBySide(singles, AT_ONCE, () => api.post('/v1/jobs', body())),
  };
  const bulks: Door = {
    name: 'HTTP bulk of 1,000',
    jobs: bulk,
    async enter() {
      for (let left = bulk; left > 0; left -= BATCH)
        await api.post('/v1/jobs/bulk', { jobs: Array.from({ length: BATCH }, body) });
    },
  };
  await engine.database.asSuperuser(
    'create table bare_jobs (id uuid primary key default tidemark_uuidv7(), payload jsonb, at timestamptz default now())',
  );
  await engine.database.asSuperuser('grant insert on bare_jobs to tidemark_owner');
  const bySql = await sqlDoors(engine, sizes);
  const native = engine.engine === 'bullmq' ? await nativeDoors(engine, sizes) : null;
  try {
    const pairs = [{ door: single, bare: port }, { door: bulks, bare: many }, ...bySql.pairs, ...(native?.pairs ?? [])];
    return await measure(engine.engine, pairs, sizes);
  } finally {
    await native?.close();
    await bySql.close();
    await api.close();
    await driver.stop();
  }
}

export const doors: BenchCase = {
  name: 'doors',
  async run(world, options) {
    const sizes = options.quick ? QUICK : FULL;
    return await onEachEngine(world, options, (engine) => measureEngine(engine, sizes));
  },
};
