// 10,000 durable jobs, enqueued by three processes and worked on by two, across everything that can happen to the servers
// and to a worker: each accepted one takes effect exactly once.

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { openDriver } from '../../src/app/engine.ts';
import { allSettled, createChaosWorld, effectsSoFar, outcomeOf, type ChaosWorld } from '../support/chaos-world.ts';
import { hasRedisServer, NEEDS_REDIS_SERVER, startRedis, type PrivateRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';

/** More for a long look: `TIDEMARK_CHAOS_JOBS=10000`. */
const JOBS = Number(process.env['TIDEMARK_CHAOS_JOBS'] ?? 5_000);
const PRODUCERS = 3;
/** A limit for a broken test on a busy machine, not a measure. */
const SETTLE_WITHIN_MS = 150_000;
/** As long as the outage that is asked about. */
const POSTGRES_PAUSE_MS = 10_000;
const REDIS_PAUSE_MS = 4_000;

interface Disaster {
  readonly name: string;
  readonly strike: () => Promise<void>;
}

function disastersOf(late: () => ChaosWorld): readonly Disaster[] {
  const restart = async (signal: 'SIGINT' | 'SIGQUIT'): Promise<void> => {
    const { postgres } = late();
    await postgres.end(signal);
    await postgres.again();
  };
  return [
    { name: 'a worker is killed', strike: () => Promise.resolve(late().killWorker()) },
    { name: 'Postgres is restarted', strike: () => restart('SIGINT') },
    { name: 'Postgres crashes', strike: () => restart('SIGQUIT') },
    {
      name: 'Postgres stands still',
      async strike() {
        late().postgres.pause();
        await delay(POSTGRES_PAUSE_MS);
        late().postgres.resume();
      },
    },
  ];
}

function redisDisasters(late: () => PrivateRedis): readonly Disaster[] {
  return [
    {
      name: 'Redis is killed and comes back empty',
      async strike() {
        await late().end('SIGKILL');
        await late().again();
      },
    },
    { name: 'Redis is wiped', strike: async () => void (await late().do('flushall')) },
    {
      name: 'Redis stands still',
      async strike() {
        late().pause();
        await delay(REDIS_PAUSE_MS);
        late().resume();
      },
    },
  ];
}

async function countUnfinished({ config, database }: ChaosWorld): Promise<unknown> {
  const db = openDatabase({ url: database.urlOf('tidemark_scheduler'), role: 'tidemark_scheduler', poolSize: 2 });
  const driver = await openDriver(config.queue.engine, { config, db, log: silentLog });
  await driver.start();
  try {
    const { waiting, delayed, active } = await driver.counts('maintenance');
    return { waiting, delayed, active };
  } finally {
    await driver.stop();
    await db.close();
  }
}

function chaos(late: () => ChaosWorld, disasters: readonly Disaster[]): void {
  const each = Math.ceil(JOBS / PRODUCERS / disasters.length);

  test.each(disasters)('work goes on when $name', { timeout: 120_000 }, async ({ strike }) => {
    const world = late();
    const [acceptedBefore, doneBefore] = [world.accepted.size, await effectsSoFar(world)];
    const produced = world.produce(each);
    produced.catch(() => undefined);
    const share = (each * PRODUCERS) / 4;
    await waitFor(() => world.accepted.size - acceptedBefore > share, { what: 'some jobs', timeoutMs: 60_000 });
    await waitFor(async () => (await effectsSoFar(world)) > doneBefore, { what: 'some work', timeoutMs: 60_000 });
    await strike();
    await produced;
    const done = await effectsSoFar(world);
    await waitFor(async () => (await effectsSoFar(world)) > done, { what: 'work after it', timeoutMs: 60_000 });
  });

  test('every accepted job took effect once, and nothing is left of them', { timeout: 240_000 }, async () => {
    const world = late();
    await allSettled(world, SETTLE_WITHIN_MS);
    const { effects, repeats } = await outcomeOf(world);
    const took = new Set(effects.map(({ jobId }) => jobId));
    expect(took.size).toBe(effects.length);
    expect(world.accepted.size).toBeGreaterThanOrEqual(JOBS);
    expect([...world.accepted].filter((jobId) => !took.has(jobId))).toEqual([]);
    const unasked = effects.filter(
      ({ jobId, payloadId }) => !world.accepted.has(jobId) && !world.inDoubt.has(payloadId),
    );
    expect(unasked).toEqual([]);
    expect(await world.database.ask('select id, last_error from job_ledger')).toEqual([]);
    await waitFor(async () => JSON.stringify(await countUnfinished(world)) === '{"waiting":0,"delayed":0,"active":0}', {
      what: 'an engine that holds nothing',
      timeoutMs: 30_000,
    });
    await world.stop();
    console.log(
      `${effects.length} effects of ${world.accepted.size} accepted jobs (${world.inDoubt.size} unanswered), ` +
        `${repeats} begun again, ${world.events.of('job.taken_over').length} taken over, ` +
        `${world.events.of('job.lost_restored').length} restored`,
    );
  });
}

describe('chaos on pgboss', () => {
  let world: ChaosWorld;
  beforeAll(async () => {
    world = await createChaosWorld({ producers: PRODUCERS, workers: 2 });
  });
  afterAll(() => world?.close());
  chaos(
    () => world,
    disastersOf(() => world),
  );
});

describe('chaos on bullmq', () => {
  if (!hasRedisServer()) {
    test.skip(`every accepted job takes effect once (${NEEDS_REDIS_SERVER})`, () => undefined);
    return;
  }
  let redis: PrivateRedis;
  let world: ChaosWorld;
  beforeAll(async () => {
    redis = await startRedis();
    world = await createChaosWorld({ producers: PRODUCERS, workers: 2, redisUrl: redis.url });
  });
  afterAll(async () => {
    await world?.close();
    await redis?.stop();
  });
  chaos(() => world, [...redisDisasters(() => redis), ...disastersOf(() => world)]);
});
