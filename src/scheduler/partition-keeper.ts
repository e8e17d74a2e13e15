// Keeps the months of growing tables: this one and the next three are always there, those that ended before what is kept are dropped.
// Several schedulers may do it at once: the second one finds the month made, or gone.

import type { Clock } from '../core/clock.ts';
import { HOUR_MS, MINUTE_MS } from '../core/duration.ts';
import { keptSince, type KeepPolicy } from '../core/keep-policy.ts';
import type { Database } from '../db/database.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import {
  dropMonth,
  listMonths,
  makeMonth,
  PARTITIONED,
  PARTITIONED_TABLES,
  pruneOutsideMonths,
  type PartitionedTable,
} from '../store/partitions.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface PartitionKeeperDeps {
  /** Pool of the scheduler role. */
  readonly db: Database;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly keep: KeepPolicy;
}

const EVERY_MS = HOUR_MS;
/** Others may hold a table for long, a dump above all, and whoever waits for it holds up everybody else: not too often. */
const AGAIN = { baseMs: MINUTE_MS, capMs: 15 * MINUTE_MS };
const MONTHS_AHEAD = 3;
/** Rows per statement, and statements per pass. */
const ROWS = 2_000;
const BATCHES = 50;

function firstOfMonth(now: Date, monthsLater: number): string {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + monthsLater, 1)).toISOString().slice(0, 10);
}

/** Makes what is missing; a month whose rows lay outside of all months takes them in. */
export async function makeMonthsAhead(
  { db, clock, log }: Pick<PartitionKeeperDeps, 'db' | 'clock' | 'log'>,
  table: PartitionedTable,
): Promise<void> {
  const there = new Set((await listMonths(db, table)).map(({ month }) => month));
  const wanted = Array.from({ length: MONTHS_AHEAD + 1 }, (_, later) => firstOfMonth(clock.now(), later));
  for (const month of wanted.filter((each) => !there.has(each))) {
    const moved = await makeMonth(db, table, month);
    if (moved !== null) log.emit('partition.made', { table, month, moved });
  }
}

/** Drops months that ended before what is kept, and forgets what is as old and has no month. */
export async function dropOldMonths(
  { db, clock, log, keep }: PartitionKeeperDeps,
  table: PartitionedTable,
  signal: AbortSignal,
): Promise<void> {
  const before = keptSince(keep, PARTITIONED[table], clock.now());
  if (before === null) return;
  for (const { name, month, rows, endsAt } of await listMonths(db, table)) {
    if (endsAt > before || signal.aborted) break;
    const fate = await dropMonth(db, { table, month }, before);
    if (fate === 'gone') log.emit('partition.dropped', { table, partition: name, rows });
    if (fate === 'unsealed') log.emit('partition.unsealed', { table, partition: name });
  }
  for (let batch = 0; batch < BATCHES && !signal.aborted; batch++)
    if ((await pruneOutsideMonths(db, table, { before, limit: ROWS })) < ROWS) return;
}

/** All tables, also when one of them cannot be done now; throws what went wrong first. */
export async function keepPartitions(deps: PartitionKeeperDeps, signal: AbortSignal): Promise<void> {
  const failures: unknown[] = [];
  for (const table of PARTITIONED_TABLES) {
    await makeMonthsAhead(deps, table).catch((error: unknown) => failures.push(error));
    await dropOldMonths(deps, table, signal).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

export function createPartitionKeeper(deps: PartitionKeeperDeps): Loop {
  const { clock, log } = deps;
  const pass = (signal: AbortSignal): Promise<void> => keepPartitions(deps, signal);
  return createLoop({ name: 'partition-keeper', everyMs: EVERY_MS, pass, log, clock, jitter: 0.2, backoff: AGAIN });
}
