// What is kept for how long, and what would go now: looked at, nothing changed. For an operator; the scheduler forgets.

import { KEPT_NAMES, keptSince, type KeepPolicy, type KeptName } from '../core/keep-policy.ts';
import type { Database, Queryable } from '../db/database.ts';
import { PRUNABLES } from '../scheduler/prune.ts';
import {
  countOutsideMonths,
  listMonths,
  PARTITIONED,
  PARTITIONED_TABLES,
  type PartitionedTable,
} from '../store/partitions.ts';

export interface OldRows {
  readonly name: KeptName;
  readonly table: string;
  /** Milliseconds; null: for ever. */
  readonly keptMs: number | null;
  /** Rows that would go one by one. */
  readonly rows: number;
  /** Whole months that would be dropped. */
  readonly months: readonly { readonly name: string; readonly rows: number | null; readonly bytes: number }[];
}

async function monthsOf(
  db: Queryable,
  table: PartitionedTable,
  before: Date | null,
): Promise<Pick<OldRows, 'rows' | 'months'>> {
  if (before === null) return { rows: 0, months: [] };
  const months = (await listMonths(db, table)).filter(({ endsAt }) => endsAt <= before);
  return {
    rows: await countOutsideMonths(db, table, before),
    months: months.map(({ name, rows, bytes }) => ({ name, rows, bytes })),
  };
}

/** In the order of the policy. */
export async function reportOldRows(api: Database, keep: KeepPolicy, now: Date): Promise<readonly OldRows[]> {
  return await api.tx({ kind: 'ops' }, async (tx) => {
    const report: OldRows[] = [];
    for (const name of KEPT_NAMES) {
      const before = keptSince(keep, name, now);
      const keptMs = keep[name];
      for (const { table, count } of PRUNABLES.filter((prunable) => prunable.name === name))
        report.push({ name, table, keptMs, months: [], rows: before === null ? 0 : await count(tx, before, now) });
      for (const table of PARTITIONED_TABLES.filter((each) => PARTITIONED[each] === name))
        report.push({ name, table, keptMs, ...(await monthsOf(tx, table, before)) });
    }
    return report;
  });
}
