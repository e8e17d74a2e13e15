// One page of records into their table: a look at the hashes, then one statement for the rows that differ. Unchanged rows
// are not touched, older ones never overwrite newer ones, removed ones that came back live again. Only for a transaction
// that holds the stream's row.

import type { Queryable } from '../db/database.ts';
import { ident, sql } from '../db/sql.ts';
import { columnArrays, contentOf, findUnchanged } from './record-content.ts';
import { noteSeen } from './seen-records.ts';
import { arrayLiteral, type ColumnType, type RecordTable } from './record-tables/record-table.ts';

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
  const { rows } = await tx.query<ResultRow>(statementOf(table), [
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

const statements = new Map<string, string>();

function statementOf<R>(table: RecordTable<R>): string {
  let statement = statements.get(table.name);
  if (statement === undefined) {
    statement = buildStatement(table);
    statements.set(table.name, statement);
  }
  return statement;
}

/** unnest takes arrays apart down to their elements, so arrays and documents travel as text and are cast after it. */
function travelsAsText(type: ColumnType): boolean {
  return type === 'text[]' || type === 'jsonb';
}

/** `after` is what is stored now, `before` what was: the local days of both, without doubles. */
function dirtyDaysOf(instants: readonly string[]): string {
  const both = instants.flatMap((name) => [`b.${ident(name)}`, `w.${ident(name)}`]);
  return localDaysOf('written w left join before b using (record_key)', both);
}

/** The distinct local days of instants in `source`; needs the CTE `zone`. */
function localDaysOf(source: string, instants: readonly string[]): string {
  if (instants.length === 0) return `'{}'::text[]`;
  return sql`
    coalesce((
      select array_agg(distinct (d.at at time zone z.timezone)::date::text)
      from ${source}
      cross join zone z
      cross join lateral unnest(array[${instants.join(', ')}]) as d (at)
      where d.at is not null
    ), '{}')`;
}

/** What differs from table to table in the statement. `$1` to `$4` are the target's; the columns' arrays follow. */
function fragmentsOf<R>({ keyColumn, columns, lookups = [], dirtyInstants, afterInsert }: RecordTable<R>) {
  const updates = columns.map(({ name, firstWins }) => {
    const column = ident(name);
    return firstWins ? `${column} = coalesce(t.${column}, excluded.${column})` : `${column} = excluded.${column}`;
  });
  const found = lookups.map(({ name }) => `${ident(name)} = coalesce(excluded.${ident(name)}, t.${ident(name)})`);
  return {
    key: ident(keyColumn),
    parameters: columns
      .map(({ type }, index) => `$${index + 5}::${travelsAsText(type) ? 'text' : type}[]`)
      .concat(`$${columns.length + 5}::bytea[]`)
      .join(', '),
    names: columns.map(({ name }) => ident(name)).join(', '),
    targets: [...columns, ...lookups].map(({ name }) => ident(name)).join(', '),
    values: columns
      .map(({ name, type }) => `i.${ident(name)}${travelsAsText(type) ? `::${type}` : ''}`)
      .concat(lookups.map(({ expression }) => expression))
      .join(', '),
    updates: [...updates, ...found].join(', '),
    instants: dirtyInstants.map((instant) => `, t.${ident(instant)}`).join(''),
    insertedKeys:
      afterInsert === undefined
        ? `'{}'::text[]`
        : `coalesce(array_agg(w.record_key) filter (where w.record_key is not null and b.record_key is null), '{}')`,
  };
}

// The state before comes from a CTE: it reads the statement's snapshot, so it is right on every version of Postgres
// (`returning old.…` came with 18). Rows that need no write are left out before the insert, because `on conflict do update
// … where false` still locks each row, and a lock is a write.
function buildStatement<R>(recordTable: RecordTable<R>): string {
  const table = ident(recordTable.name);
  const { key, parameters, names, targets, values, updates, instants, insertedKeys } = fragmentsOf(recordTable);
  return sql`
    with zone as (
      -- Of its own, so that the parameter has a type in tables without days too.
      select $3::text as timezone
    ),
    incoming as (
      select *
      from unnest(${parameters}) as u (${names}, content_hash)
    ),
    before as (
      -- The limit keeps this a look-up by key: as a join the planner, seeing few rows behind the policy, reads every row
      -- of the integration for each page.
      select t.*
      from incoming i
      cross join lateral (
        select t.${key} as record_key, t.content_hash, t.source_updated_at, t.deleted_at${instants}
        from ${table} t
        where t.integration_id = $1
          and t.${key} = i.${key}
        limit 1
      ) as t
    ),
    judged as (
      select i.*,
        coalesce(b.content_hash = i.content_hash and b.deleted_at is null, false) as is_same,
        coalesce(i.source_updated_at < b.source_updated_at, false) as is_stale
      from incoming i
      left join before b on b.record_key = i.${key}
    ),
    written as (
      insert into ${table} as t
        (integration_id, user_id, ${targets}, content_hash, created_at, updated_at)
      select $1, $2, ${values}, i.content_hash, $4, $4
      from judged i
      where not i.is_same
        and not i.is_stale
      on conflict (integration_id, ${key}) do update
      set ${updates}, content_hash = excluded.content_hash, deleted_at = null, updated_at = excluded.updated_at
      where (t.content_hash is distinct from excluded.content_hash or t.deleted_at is not null)
        and (t.source_updated_at is null
          or excluded.source_updated_at is null
          or excluded.source_updated_at >= t.source_updated_at)
      returning t.${key} as record_key${instants}
    )
    select
      (count(w.record_key) filter (where b.record_key is null))::integer as inserted,
      (count(b.record_key) filter (where w.record_key is not null))::integer as changed,
      (count(*) filter (where j.is_stale and not j.is_same))::integer as stale,
      ${insertedKeys} as inserted_keys,
      ${dirtyDaysOf(recordTable.dirtyInstants)} as dirty_days
    from judged j
    left join written w on w.record_key = j.${key}
    left join before b on b.record_key = j.${key}`;
}

/** Marks rows as removed; returns how many were live and the local days they fell on. */
export async function removeRecords<R>(
  tx: Queryable,
  { name, keyColumn, dirtyInstants }: RecordTable<R>,
  { integrationId, timezone, now }: UpsertTarget,
  keys: readonly string[],
): Promise<{ readonly removed: number; readonly dirtyDays: readonly string[] }> {
  const instants = dirtyInstants.map((instant) => `, ${ident(instant)}`).join('');
  const days = localDaysOf(
    'removed r',
    dirtyInstants.map((instant) => `r.${ident(instant)}`),
  );
  const { rows } = await tx.query<{ removed: number; dirty_days: string[] }>(
    sql`
    with zone as (
      select $3::text as timezone
    ),
    removed as (
      update ${ident(name)}
      set deleted_at = $2, updated_at = $2
      where integration_id = $1
        and ${ident(keyColumn)} = any ($4::text[])
        and deleted_at is null
      returning ${ident(keyColumn)}${instants}
    )
    select count(*)::integer as removed, ${days} as dirty_days
    from removed`,
    [integrationId, now, timezone, arrayLiteral(keys)],
  );
  return { removed: rows[0]!.removed, dirtyDays: rows[0]!.dirty_days };
}
