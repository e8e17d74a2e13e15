// Records as the texts that travel to Postgres, with the hash that tells whether anything changed.

import { hash } from 'node:crypto';
import type { Queryable } from '../db/database.ts';
import { ident, sql } from '../db/sql.ts';
import { arrayLiteral, aspectOf, keyTableOf, sameKey, type RecordTable } from './record-tables/record-table.ts';

/** A record as the texts of its columns. */
export interface Content {
  readonly key: string;
  readonly values: readonly (string | null)[];
  /** `\\x` and the digits of SHA-256 over the values. */
  readonly hash: string;
}

export function contentOf<R>({ columns, keyOf }: RecordTable<R>, record: R): Content {
  const values = columns.map((column) => column.read(record));
  return { key: keyOf(record), values, hash: `\\x${hash('sha256', JSON.stringify(values))}` };
}

/**
 * Indexes of the records that are stored as they are. Most of a page usually is, and this needs two of its columns to be
 * sent and taken apart. The caller holds the stream's row, so nobody else of the stream writes meanwhile.
 */
export async function findUnchanged<R>(
  tx: Queryable,
  table: RecordTable<R>,
  integrationId: string,
  incoming: readonly Content[],
): Promise<ReadonlySet<number>> {
  const { keyColumns } = table;
  const arrays = keyColumns.map((_, index) => `$${index + 3}::text[]`);
  const { rows } = await tx.query<{ same: number[] }>(
    sql`
    select coalesce(array_agg(i.position::integer - 1), '{}') as same
    from unnest($2::bytea[], ${arrays.join(', ')})
      with ordinality as i (content_hash, ${keyColumns.map(ident).join(', ')}, position)
    cross join lateral (
      -- The limit keeps this a look-up by key, as in the upsert's statement.
      select t.${ident(aspectOf(table).hash)} as content_hash, t.deleted_at
      from ${ident(keyTableOf(table))} t
      where t.integration_id = $1
        and ${sameKey(table)}
      limit 1
    ) as t
    where t.content_hash = i.content_hash
      and t.deleted_at is null`,
    [integrationId, arrayLiteral(incoming.map((each) => each.hash)), ...keyArrays(table, incoming)],
  );
  return new Set(rows[0]!.same);
}

/** One array literal per column of the key. */
function keyArrays<R>({ keyColumns, columns }: RecordTable<R>, contents: readonly Content[]): string[] {
  return keyColumns.map((name) => {
    const index = columns.findIndex((column) => column.name === name);
    return arrayLiteral(contents.map(({ values }) => values[index]!));
  });
}

/** One array literal per column, the content hashes last: the driver's own conversion costs more than the statement. */
export function columnArrays<R>({ columns }: RecordTable<R>, contents: readonly Content[]): string[] {
  const arrays = columns.map((_, index) => arrayLiteral(contents.map(({ values }) => values[index]!)));
  return [...arrays, arrayLiteral(contents.map((content) => content.hash))];
}
