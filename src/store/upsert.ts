// One page of records into their table: a look at the hashes, then one statement for the rows that differ. Unchanged rows
// are not touched, older ones never overwrite newer ones, removed ones that came back live again. Only for a transaction
// that holds the stream's row.

import type { Queryable } from '../db/database.ts';
import { ident, sql } from '../db/sql.ts';
import { columnArrays, contentOf, findUnchanged } from './record-content.ts';
import { noteSeen } from './seen-records.ts';
import { arrayLiteral, dirtyDatesOf, isAmong, keyTableOf, type RecordTable } from './record-tables/record-table.ts';
import { distinctDaysOf, upsertStatementOf } from './upsert-statement.ts';

export interface UpsertTarget {
  readonly integrationId: string;
  readonly userId: string;
  /** IANA zone in which the user's days begin. */
  readonly timezone: string;
  readonly now: Date;
  /** Unchanged copies last seen before this are noted as seen; absent: nobody asks how old copies are. */
  readonly noteBefore?: Date;
}

export interface UpsertResult {
  readonly inserted: number;
  /** Rows that were there and are different now, removed ones that came back included. */
  readonly changed: number;
  readonly unchanged: number;
  /** Older than what is stored; left alone. */
  readonly stale: number;
  /** Local days (`YYYY-MM-DD`) that the old and the new instants of written rows fall on. */
  readonly dirtyDays: readonly string[];
}

export const NOTHING_UPSERTED: UpsertResult = { inserted: 0, changed: 0, unchanged: 0, stale: 0, dirtyDays: [] };

interface ResultRow {
  readonly inserted: number;
  readonly changed: number;
  readonly stale: number;
  readonly inserted_keys: string[];
  readonly dirty_days: string[];
}

/**
 * Stores `records` (at most 1,000, no two with one key). Throws AppError `db.constraint` when the database refuses one of
 * them; the caller finds out which (`bisect.ts`).
 */
export async function upsertRecords<R>(
  tx: Queryable,
  table: RecordTable<R>,
  { integrationId, userId, timezone, now, noteBefore }: UpsertTarget,
  records: readonly R[],
): Promise<UpsertResult> {
  if (records.length === 0) return NOTHING_UPSERTED;
  const incoming = records.map((record) => contentOf(table, record));
  const same = await findUnchanged(tx, table, integrationId, incoming);
  if (noteBefore !== undefined && same.size > 0) {
    const keys = [...same].map((index) => incoming[index]!.key);
    await noteSeen(tx, table, { integrationId, keys, noteBefore, now });
  }
  const differing = same.size === 0 ? incoming : incoming.filter((_, index) => !same.has(index));
  if (differing.length === 0) return { ...NOTHING_UPSERTED, unchanged: records.length };
  const { rows } = await tx.query<ResultRow>(upsertStatementOf(table), [
    integrationId,
    userId,
    timezone,
    now,
    ...columnArrays(table, differing),
  ]);
  const { inserted, changed, stale, inserted_keys: insertedKeys, dirty_days: dirtyDays } = rows[0]!;
  if (insertedKeys.length > 0) await tx.query(table.afterInsert!, [integrationId, insertedKeys]);
  return { inserted, changed, stale, unchanged: records.length - inserted - changed - stale, dirtyDays };
}

/** Marks rows as removed; returns how many were live and the local days they fell on. */
export async function removeRecords<R>(
  tx: Queryable,
  table: RecordTable<R>,
  { integrationId, timezone, now }: UpsertTarget,
  keys: readonly string[],
): Promise<{ readonly removed: number; readonly dirtyDays: readonly string[] }> {
  const { name, partitioned, keyColumns } = table;
  const days = distinctDaysOf('removed r', dirtyDatesOf(table, 'r', `r.${ident(keyColumns[0])}`));
  const body =
    partitioned === undefined
      ? ''
      : sql`,
    removed_rows as (
      update ${ident(name)} t
      set deleted_at = $2, updated_at = $2
      from removed r
      where t.id = r.${ident(partitioned.id)}
        and t.${ident(partitioned.column)} = r.${ident(partitioned.column)}
    )`;
  const { rows } = await tx.query<{ removed: number; dirty_days: string[] }>(
    sql`
    with zone as (
      select $3::text as timezone
    ),
    removed as (
      update ${ident(keyTableOf(table))} t
      set deleted_at = $2, updated_at = $2
      where t.integration_id = $1
        and ${isAmong(table, '$4')}
        and t.deleted_at is null
      returning t.*
    )${body}
    select count(*)::integer as removed, ${days} as dirty_days
    from removed`,
    [integrationId, now, timezone, arrayLiteral(keys)],
  );
  return { removed: rows[0]!.removed, dirtyDays: rows[0]!.dirty_days };
}
