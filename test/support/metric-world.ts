// A user whose facts come and go as a test says, with rollups, seals and purges under a worker's lease.

import { DAY_MODEL } from '../../src/rollups/definitions.ts';
import { rollMarked, type Rollup } from '../../src/rollups/roll-day.ts';
import { changeUser, type UserChange } from '../../src/ops/change-user.ts';
import type { Database, Tx } from '../../src/db/database.ts';
import { listMarkedDays, markDirtyDays } from '../../src/store/dirty-days.ts';
import { holdTimezone } from '../../src/store/hold-timezone.ts';
import type { RecordTable } from '../../src/store/record-tables/record-table.ts';
import { isPurgeable, sealDays, type Sealed } from '../../src/store/sealed-days.ts';
import { acquireLease } from '../../src/store/stream-leases.ts';
import { removeRecords, upsertRecords } from '../../src/store/upsert.ts';
import { lockMetrics } from '../../src/store/user-metrics.ts';
import type { TestDatabase } from './postgres.ts';
import { RECORDS, rowKeyOf, type Fact } from './metric-facts.ts';
import { createSyncWorld, type WorldOptions } from './sync-world.ts';

/** Whether the transaction commits, or dies with its last statement. */
export type Fate = 'commits' | 'crashes';

export interface MetricWorld {
  readonly userId: string;
  readonly integrationId: string;
  readonly worker: Database;
  put(facts: readonly Fact[], fate?: Fate): Promise<void>;
  remove(fact: Fact, fate?: Fate): Promise<void>;
  /** Rolls what is marked until nothing is. */
  roll(fate?: Fate): Promise<readonly Rollup[]>;
  seal(through: string, fate?: Fate): Promise<Sealed>;
  /** Deletes rows that may go; the keys of those that went, by table. */
  purge(): Promise<ReadonlyMap<string, readonly string[]>>;
  change(change: UserChange): Promise<void>;
  /** A transaction of the worker for this user. */
  tx<T>(work: (tx: Tx) => Promise<T>, fate?: Fate): Promise<T | undefined>;
  marked(): Promise<readonly string[]>;
}

class Crash extends Error {}

const TABLES: ReadonlyMap<string, RecordTable<unknown>> = new Map(
  Object.values(RECORDS).map(({ table }) => [table.name, table as unknown as RecordTable<unknown>]),
);

async function purgeTable(
  tx: Tx,
  { name, keyColumns, partitioned }: RecordTable<unknown>,
  userId: string,
): Promise<readonly string[]> {
  const { rows } = await tx.query<{ key: string }>(
    `delete from ${name} t where t.user_id = $1 and ${isPurgeable(DAY_MODEL, name)}
     returning ${keyColumns.map((column) => `t.${column}`).join(` || ' ' || `)} as key`,
    [userId],
  );
  const keys = rows.map(({ key }) => key);
  if (partitioned !== undefined)
    await tx.query(
      `delete from ${partitioned.keyTable} t where t.user_id = $1
         and ${keyColumns.map((column) => `t.${column}`).join(` || ' ' || `)} = any ($2)`,
      [userId, keys],
    );
  return keys;
}

export interface MetricWorldOptions extends WorldOptions {
  /** A pool of the api to share between worlds. */
  readonly api: Database;
}

export async function createMetricWorld(
  database: TestDatabase,
  { api, ...options }: MetricWorldOptions,
): Promise<MetricWorld> {
  const world = await createSyncWorld(database, options);
  const { userId, integrationId, worker } = world;
  const { jobId, workerId } = await world.claim(await world.addRun());
  const token = (await acquireLease(worker, jobId, workerId))!;

  const tx: MetricWorld['tx'] = async (work, fate = 'commits') => {
    try {
      return await worker.tx({ kind: 'lease', token }, async (open) => {
        const result = await work(open);
        if (fate === 'crashes') throw new Crash();
        return result;
      });
    } catch (error) {
      if (error instanceof Crash) return undefined;
      throw error;
    }
  };
  const targetOf = async (open: Tx) => ({
    userId,
    integrationId,
    timezone: await holdTimezone(open, userId),
    now: new Date(),
  });

  return {
    userId,
    integrationId,
    worker,
    tx,
    async put(facts, fate) {
      await tx(async (open) => {
        const target = await targetOf(open);
        const days = new Set<string>();
        for (const { table, toRecord } of Object.values(RECORDS)) {
          const own = facts.filter((fact) => RECORDS[fact.kind].table === table);
          const { dirtyDays } = await upsertRecords(open, table, target, own.map(toRecord));
          for (const day of dirtyDays) days.add(day);
        }
        await markDirtyDays(open, userId, [...days]);
      }, fate);
    },
    async remove(fact, fate) {
      await tx(async (open) => {
        const { table } = RECORDS[fact.kind];
        const { dirtyDays } = await removeRecords(open, table, await targetOf(open), [rowKeyOf(fact)]);
        await markDirtyDays(open, userId, dirtyDays);
      }, fate);
    },
    async roll(fate) {
      const rolled: Rollup[] = [];
      for (let pass = 0; pass < 20; pass++) {
        const done = await tx(async (open) => {
          const days = await listMarkedDays(open, userId, 1_000);
          return days.length === 0 ? null : await rollMarked(open, { userId, days, now: new Date() }, DAY_MODEL);
        }, fate);
        if (done === null || done === undefined) return rolled;
        rolled.push(done);
      }
      throw new Error('marks come without end');
    },
    async seal(through, fate) {
      const sealed = await tx(async (open) => {
        await lockMetrics(open, userId);
        return await sealDays(open, { userId, through, now: new Date(), limit: 1_000 }, DAY_MODEL);
      }, fate);
      return sealed ?? { sealed: [], waiting: [] };
    },
    async purge() {
      const gone = new Map<string, readonly string[]>();
      await tx(async (open) => {
        await lockMetrics(open, userId);
        for (const table of TABLES.values()) gone.set(table.name, await purgeTable(open, table, userId));
      });
      return gone;
    },
    async change(change) {
      await api.tx({ kind: 'ops' }, (open) => changeUser(open, userId, change));
    },
    async marked() {
      const rows = await database.asSuperuser<{ day: string }>(
        'select distinct day::text from dirty_days where user_id = $1 order by 1',
        [userId],
      );
      return rows.map(({ day }) => day);
    },
  };
}
