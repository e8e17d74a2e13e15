// What an installation costs that has nothing to do: everything of the scheduler role, and one worker that consumes all
// queues. Counted by the servers themselves, statement by statement and command by command.

import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { QUEUES } from '../../../queues/catalog.ts';
import { createConsumer } from '../../../queues/consumer.ts';
import { completed } from '../../../queues/outcome.ts';
import { createSchedulerServices } from '../../../src/app/scheduler.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { Secret } from '../../../src/core/secret.ts';
import type { Service } from '../../../src/lifecycle/service.ts';
import { silentLog } from '../../../src/telemetry/event-log.ts';
import { silentMetrics } from '../../../src/telemetry/metrics.ts';
import { createLiveness } from '../../../workers/liveness.ts';
import type { BenchCase, BenchOptions, Figure } from '../bench-case.ts';
import { onEachEngine, type BenchEngine } from '../engines.ts';
import { handlersOf } from '../sides/ours.ts';
import { createBenchWorld } from '../world.ts';

/** The first passes of all loops, and the reaper's patience after its start. */
const SETTLE_MS = 3_000;
const TOP = 25;

function schedulerOf({ database, redisUrl }: BenchEngine): Promise<readonly Service[]> {
  const url = new Secret(database.urlOf('tidemark_scheduler'));
  return createSchedulerServices({
    config: loadConfig({ DATABASE_URL: url.reveal(), ...(redisUrl === null ? {} : { REDIS_URL: redisUrl }) }),
    url,
    directUrl: url,
    clock: systemClock,
    log: silentLog,
    metrics: silentMetrics,
    onSwitched: () => undefined,
  });
}

function workerOf(engine: BenchEngine): readonly Service[] {
  const db = engine.database.open('tidemark_worker', 16);
  const driver = engine.driver(db);
  const liveness = createLiveness({
    databaseUrl: new Secret(engine.databaseUrl),
    concurrency: 50,
    engine: engine.engine,
    log: silentLog,
    onDead: () => undefined,
  });
  const consumer = createConsumer({
    workerId: liveness.workerId,
    queues: QUEUES,
    concurrency: 50,
    db,
    driver,
    handlers: handlersOf(() => Promise.resolve(completed())),
    clock: systemClock,
    log: silentLog,
  });
  return [driver, liveness, consumer];
}

interface Counts {
  readonly total: number;
  /** The most frequent ones, with how often. */
  readonly top: Readonly<Record<string, number>>;
}

interface StatementRow {
  readonly role: string;
  readonly query: string;
  readonly calls: number;
}

const STATEMENTS = `
select r.rolname as role, left(regexp_replace(s.query, '\\s+', ' ', 'g'), 160) as query, s.calls::integer as calls
from pg_stat_statements s
join pg_roles r on r.oid = s.userid
where r.rolname like 'tidemark_%'
order by s.calls desc`;

async function countStatements({ database }: BenchEngine, ms: number): Promise<Counts> {
  // The extension lies in the maintenance database; it counts for the whole server.
  const rows = await database.asServer<StatementRow>(STATEMENTS);
  const perSecond = (calls: number): number => Math.round((calls / ms) * 10_000) / 10;
  const named = rows.map(({ role, query, calls }) => [`${role}: ${query.trim()}`, perSecond(calls)] as const);
  const total = rows.reduce((sum, { calls }) => sum + calls, 0);
  return { total: perSecond(total), top: Object.fromEntries(named.slice(0, TOP)) };
}

async function countCommands(redis: Redis, ms: number): Promise<Counts> {
  const stats = await redis.info('commandstats');
  const counted = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
    .map(([, name, calls]) => [name!, Math.round((Number(calls) / ms) * 10_000) / 10] as const)
    .filter(([name]) => !name.startsWith('info') && !name.startsWith('config'));
  const total = counted.reduce((sum, [, calls]) => sum + calls, 0);
  return { total, top: Object.fromEntries(counted.toSorted((a, b) => b[1] - a[1]).slice(0, TOP)) };
}

async function measure(engine: BenchEngine, { quick }: BenchOptions): Promise<readonly Figure[]> {
  const services = [...(await schedulerOf(engine)), ...workerOf(engine)];
  for (const service of services) await service.start();
  const redis = engine.redisUrl === null ? undefined : new Redis(engine.redisUrl);
  await delay(SETTLE_MS);
  await redis?.config('RESETSTAT');
  await engine.database.asServer('select pg_stat_statements_reset()');
  const from = performance.now();
  await delay(quick ? 6_000 : 60_000);
  const ms = performance.now() - from;
  const statements = await countStatements(engine, ms);
  const commands = redis === undefined ? undefined : await countCommands(redis, ms);
  redis?.disconnect();
  for (const service of services.toReversed()) await service.stop();
  const figure = (what: string, { total, top }: Counts): Figure => ({
    name: `${engine.engine}, idle: ${what}`,
    unit: '1/s',
    ours: total,
    reference: null,
    ratio: null,
    target: null,
    details: { queues: QUEUES.length, seconds: Math.round(ms / 1_000), perSecond: top },
  });
  return [
    figure('Postgres statements', statements),
    ...(commands === undefined ? [] : [figure('Redis commands', commands)]),
  ];
}

export const idle: BenchCase = {
  name: 'idle',
  async run({ emptyRedis }, options) {
    const world = await createBenchWorld({ countsStatements: true });
    try {
      return await onEachEngine({ ...world, emptyRedis }, options, (engine) => measure(engine, options));
    } finally {
      await world.close();
    }
  },
};
