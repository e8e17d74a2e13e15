// The two queue engines as a case uses them: each with a database of its own, BullMQ also with an emptied Redis. One that
// this machine lacks a part for is left out, and the report says why.

import { createBullMqDriver } from '../../queues/drivers/bullmq/driver.ts';
import { createPgBossDriver } from '../../queues/drivers/pgboss/driver.ts';
import type { EngineDriver } from '../../queues/driver.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Database } from '../../src/db/database.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { NEEDS_REDIS_SERVER } from '../support/redis.ts';
import type { BenchOptions } from './bench-case.ts';
import type { BenchDatabase, BenchWorld } from './world.ts';

/** What a process needs to find an engine; it can be handed on as JSON. */
export interface EngineAddress {
  readonly engine: 'pgboss' | 'bullmq';
  /** Of the worker role. */
  readonly databaseUrl: string;
  readonly redisUrl: string | null;
}

export interface BenchEngine extends EngineAddress {
  readonly database: BenchDatabase;
  /** A driver over this pool, to be started and stopped by the caller. */
  driver(db: Database): EngineDriver;
  close(): Promise<void>;
}

export function addressOf({ engine, databaseUrl, redisUrl }: EngineAddress): EngineAddress {
  return { engine, databaseUrl, redisUrl };
}

export function driverAt({ engine, databaseUrl, redisUrl }: EngineAddress, db: Database): EngineDriver {
  if (engine === 'pgboss') return createPgBossDriver({ db, directUrl: new Secret(databaseUrl), log: silentLog });
  return createBullMqDriver({ url: new Secret(redisUrl!), log: silentLog });
}

async function openEngine(world: BenchWorld, engine: EngineAddress['engine'], redisUrl: string | null) {
  const database = await world.createDatabase();
  const address = { engine, databaseUrl: database.urlOf('tidemark_worker'), redisUrl };
  return { ...address, database, driver: (db: Database) => driverAt(address, db), close: () => database.drop() };
}

/** pg-boss, and BullMQ where there is a Redis. The caller closes them. */
export async function openEngines(world: BenchWorld, { skip }: BenchOptions): Promise<readonly BenchEngine[]> {
  const redisUrl = await world.emptyRedis();
  const pgboss = await openEngine(world, 'pgboss', null);
  if (redisUrl !== null) return [pgboss, await openEngine(world, 'bullmq', redisUrl)];
  skip(`bullmq: ${NEEDS_REDIS_SERVER}`);
  return [pgboss];
}

/** Measures one engine after the other, with nothing of the first left running. */
export async function onEachEngine<T>(
  world: BenchWorld,
  options: BenchOptions,
  measure: (engine: BenchEngine) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const engines = await openEngines(world, options);
  try {
    const found: T[] = [];
    for (const engine of engines) {
      options.note(engine.engine);
      found.push(...(await measure(engine)));
    }
    return found;
  } finally {
    for (const engine of engines) await engine.close();
  }
}
