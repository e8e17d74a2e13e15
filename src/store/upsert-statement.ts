// The statement that stores one page in one table, made from the table's description. `$1` to `$4` are integration, user,
// zone and now; one array per column follows, the content hashes last.

import { ident, sql } from '../db/sql.ts';
import { countedDays } from './counted-days.ts';
import {
  aspectOf,
  dirtyDatesOf,
  keyTableOf,
  keyText,
  sameKey,
  type ColumnType,
  type RecordTable,
} from './record-tables/record-table.ts';

const statements = new Map<string, string>();

export function upsertStatementOf<R>(table: RecordTable<R>): string {
  const name = `${table.name} ${aspectOf(table).hash}`;
  let statement = statements.get(name);
  if (statement === undefined) {
    statement = buildStatement(table);
    statements.set(name, statement);
  }
  return statement;
}

/** unnest takes arrays apart down to their elements, so arrays and documents travel as text and are cast after it. */
function travelsAsText(type: ColumnType): boolean {
  return type === 'text[]' || type === 'jsonb';
}

/** `written` is what is stored now, `before` what was: the days of both. */
function dirtyDaysOf<R>(table: RecordTable<R>): string {
  const key = `split_part(w.record_key, ' ', 1)`;
  const both = [...dirtyDatesOf(table, 'b', key), ...dirtyDatesOf(table, 'w', key)];
  const days = distinctDaysOf('written w left join before b on b.record_key = w.record_key', both);
  return both.length === 0 ? days : `${days} || ${countedBefore(table)}`;
}

/** Sealed days that counted a row which is new here: it was purged, and its old days are known nowhere else. */
function countedBefore<R>({ name }: RecordTable<R>): string {
  return sql`
    coalesce((
      select array_agg(distinct c.day::text)
      from written w
      left join before b on b.record_key = w.record_key
      cross join lateral (${countedDays({ userId: '$2', integrationId: '$1', key: 'w.record_key', table: name })}
        offset 0
      ) c
      where b.record_key is null
        and (select exists (select from sealed_inputs s where s.user_id = $2))
    ), '{}')`;
}

/** The distinct days in `source`, each of `days` an expression over it; needs the CTE `zone`. */
export function distinctDaysOf(source: string, days: readonly string[]): string {
  if (days.length === 0) return `'{}'::text[]`;
  return sql`
    coalesce((
      select array_agg(distinct d.day::text)
      from ${source}
      cross join zone z
      cross join lateral unnest(array[${days.join(', ')}]) as d (day)
      where d.day is not null
    ), '{}')`;
}

/** What a written row becomes: `t` is the stored row, `excluded` the incoming one. */
function updatesOf<R>(table: RecordTable<R>): string {
  const { columns, lookups = [] } = table;
  const hash = ident(aspectOf(table).hash);
  const updates = columns.map(({ name, firstWins }) => {
    const column = ident(name);
    return firstWins ? `${column} = coalesce(t.${column}, excluded.${column})` : `${column} = excluded.${column}`;
  });
  const found = lookups.map(({ name }) => `${ident(name)} = coalesce(excluded.${ident(name)}, t.${ident(name)})`);
  return [...updates, ...found, `${hash} = excluded.${hash}`, `deleted_at = null`].join(', ');
}

/** Columns of a new row and their values from `i`. */
function insertOf<R>({ columns, lookups = [] }: RecordTable<R>): { readonly targets: string; readonly values: string } {
  return {
    targets: [...columns, ...lookups].map(({ name }) => ident(name)).join(', '),
    values: columns
      .map(({ name, type }) => `i.${ident(name)}${travelsAsText(type) ? `::${type}` : ''}`)
      .concat(lookups.map(({ expression }) => expression))
      .join(', '),
  };
}

/** Guards `on conflict do update` against what another transaction stored since the statement's snapshot. */
function stillNewer<R>(table: RecordTable<R>): string {
  const [hash, stamp] = [ident(aspectOf(table).hash), ident(aspectOf(table).stamp)];
  return sql`(t.${hash} is distinct from excluded.${hash} or t.deleted_at is not null)
        and (t.${stamp} is null
          or excluded.${stamp} is null
          or excluded.${stamp} >= t.${stamp})`;
}

/** CTE `written`: record_key and dirty instants of every row that was inserted or changed. */
function writtenOf<R>(table: RecordTable<R>): string {
  if (table.partitioned !== undefined) return writtenInParts(table, table.partitioned);
  const { targets, values } = insertOf(table);
  return sql`
    written as (
      insert into ${ident(table.name)} as t
        (integration_id, user_id, ${targets}, ${ident(aspectOf(table).hash)}, created_at, updated_at)
      select $1, $2, ${values}, i.content_hash, $4, $4
      from judged i
      where not i.is_same
        and not i.is_stale
      on conflict (integration_id, ${table.keyColumns.map(ident).join(', ')}) do update
      set ${updatesOf(table)}, updated_at = excluded.updated_at
      where ${stillNewer(table)}
      returning ${keyText(table, 't')} as record_key${instantsOf(table)}
    )`;
}

/**
 * First the key, which decides, then the row. A row whose partition column changed lies in another partition afterwards:
 * it is taken out where it was.
 */
function writtenInParts<R>(
  table: RecordTable<R>,
  { keyTable, id, column }: NonNullable<RecordTable<R>['partitioned']>,
): string {
  const { targets, values } = insertOf(table);
  const keyNames = table.keyColumns.map(ident).join(', ');
  const own = table.keyColumns.map((name) => `i.${ident(name)}`).join(', ');
  const [rowId, part] = [ident(id), ident(column)];
  return sql`
    keyed as (
      insert into ${ident(keyTable)} as t
        (integration_id, user_id, ${keyNames}, ${part}, source_updated_at, content_hash, created_at, updated_at)
      select $1, $2, ${own}, i.${part}, i.source_updated_at, i.content_hash, $4, $4
      from judged i
      where not i.is_same
        and not i.is_stale
      on conflict (integration_id, ${keyNames}) do update
      set ${part} = excluded.${part}, source_updated_at = excluded.source_updated_at,
        content_hash = excluded.content_hash, deleted_at = null, updated_at = excluded.updated_at
      where ${stillNewer(table)}
      returning ${keyText(table, 't')} as record_key, t.${rowId} as row_id, t.${part} as part
    ),
    moved as (
      delete from ${ident(table.name)} t
      using keyed k
      join before b on b.record_key = k.record_key
      where b.part <> k.part
        and t.id = k.row_id
        and t.${part} = b.part
    ),
    written as (
      insert into ${ident(table.name)} as t
        (id, integration_id, user_id, ${targets}, content_hash, created_at, updated_at)
      select k.row_id, $1, $2, ${values}, i.content_hash, $4, $4
      from judged i
      join keyed k on k.record_key = ${keyText(table, 'i')}
      on conflict (id, ${part}) do update
      set ${updatesOf(table)}, updated_at = excluded.updated_at
      returning ${keyText(table, 't')} as record_key${instantsOf(table)}
    )`;
}

function instantsOf<R>({ dirtyInstants }: RecordTable<R>): string {
  return dirtyInstants.map((instant) => `, t.${ident(instant)}`).join('');
}

/** The keys of new rows, for what must happen after them. */
function insertedKeysOf<R>({ afterInsert }: RecordTable<R>): string {
  return afterInsert === undefined
    ? `'{}'::text[]`
    : `coalesce(array_agg(w.record_key) filter (where w.record_key is not null and b.record_key is null), '{}')`;
}

// The state before comes from a CTE: it reads the statement's snapshot, so it is right on every version of Postgres
// (`returning old.…` came with 18). Rows that need no write are left out before the insert, because `on conflict do update
// … where false` still locks each row, and a lock is a write.
function buildStatement<R>(table: RecordTable<R>): string {
  const { columns, partitioned } = table;
  const [hash, stamp] = [ident(aspectOf(table).hash), ident(aspectOf(table).stamp)];
  const arrays = columns.map(({ type }, index) => `$${index + 5}::${travelsAsText(type) ? 'text' : type}[]`);
  const part = partitioned === undefined ? '' : `, t.${ident(partitioned.column)} as part`;
  return sql`
    with zone as (
      -- Of its own, so that the parameter has a type in tables without days too.
      select $3::text as timezone
    ),
    incoming as (
      select *
      from unnest(${[...arrays, `$${columns.length + 5}::bytea[]`].join(', ')})
        as u (${columns.map(({ name }) => ident(name)).join(', ')}, content_hash)
    ),
    before as (
      -- The limit keeps this a look-up by key: as a join the planner, seeing few rows behind the policy, reads every row
      -- of the integration for each page.
      select t.*
      from incoming i
      cross join lateral (
        select ${keyText(table, 't')} as record_key, t.${hash} as content_hash, t.${stamp} as source_updated_at, t.deleted_at${part}${instantsOf(table)}
        from ${ident(keyTableOf(table))} t
        where t.integration_id = $1
          and ${sameKey(table)}
        limit 1
      ) as t
    ),
    judged as (
      select i.*,
        coalesce(b.content_hash = i.content_hash and b.deleted_at is null, false) as is_same,
        coalesce(i.${stamp} < b.source_updated_at, false) as is_stale
      from incoming i
      left join before b on b.record_key = ${keyText(table, 'i')}
    ),
    ${writtenOf(table)}
    select
      (count(w.record_key) filter (where b.record_key is null))::integer as inserted,
      (count(b.record_key) filter (where w.record_key is not null))::integer as changed,
      (count(*) filter (where j.is_stale and not j.is_same))::integer as stale,
      ${insertedKeysOf(table)} as inserted_keys,
      ${dirtyDaysOf(table)} as dirty_days
    from judged j
    left join written w on w.record_key = ${keyText(table, 'j')}
    left join before b on b.record_key = ${keyText(table, 'j')}`;
}
