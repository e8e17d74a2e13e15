// How a record kind lies in its table, as data: the one description from which the set-based upsert is made. A getter
// gives Postgres text, never SQL.

import { canonicalJson } from '../../core/canonical-json.ts';
import { normalizeDecimal } from '../../core/money.ts';
import { ident, sql } from '../../db/sql.ts';

export type ColumnType = 'text' | 'text[]' | 'integer' | 'numeric' | 'date' | 'timestamptz' | 'jsonb' | 'boolean';

export interface RecordColumn<R> {
  readonly name: string;
  readonly type: ColumnType;
  /** The value as Postgres reads it, or null. */
  readonly read: (record: R) => string | null;
  /** The first stored value stays; a later one is ignored. */
  readonly firstWins?: true;
}

/**
 * Keys, content hash and removal lie in a table of their own beside the partitioned one, with `id` of the row and the
 * value of its partition column.
 */
export interface PartitionedBy {
  readonly keyTable: string;
  /** Column of the key table that holds the row's `id`. */
  readonly id: string;
  /** In both tables; the only column that may be among `dirtyInstants`. */
  readonly column: string;
}

/** What one stream says of a row that several streams tell: its own columns, content hash and stamp among the others'. */
export interface Aspect {
  readonly hash: string;
  readonly stamp: string;
}

/** Of a row that one stream tells alone. */
const WHOLE: Aspect = { hash: 'content_hash', stamp: 'source_updated_at' };

export interface RecordTable<R> {
  readonly name: string;
  /** Present when other streams write other columns of the same rows. Such rows are never removed by a snapshot. */
  readonly aspect?: Aspect;
  /** Natural key inside an integration; always texts and always in `columns`. Of two, the first has no space in it. */
  readonly keyColumns: readonly [string] | readonly [string, string];
  /** The key as one text; two columns with a space between them. */
  readonly keyOf: (record: R) => string;
  /** Present when the table is partitioned and so cannot keep its keys unique itself. */
  readonly partitioned?: PartitionedBy;
  /** All of them make up the content hash, `source_updated_at` too: what was touched at the source is newer. */
  readonly columns: readonly RecordColumn<R>[];
  /** Instants whose local days must be rolled up again when the row changes; a date is the platform's day and counts as it is. */
  readonly dirtyInstants: readonly string[];
  /**
   * An instant of another row, if any, whose day follows from this row too: SQL over the integration, the first column of the key and
   * the instant of this row. Only where there is one of `dirtyInstants`.
   */
  readonly alsoDirty?: (integrationId: string, key: string, at: string) => string;
  /**
   * Columns looked up at insert: `expression` sees the incoming row as `i` and the integration as `$1`. Not hashed: a
   * look-up that starts to find something does not make the record another one.
   */
  readonly lookups?: readonly { readonly name: string; readonly expression: string }[];
  /**
   * Of a table whose rows may belong to the platform: expressions, with the row as `t`, that make one the user's all the
   * same. Such a table has `id` and `seen_at` and an index on the age (`ageOf`).
   */
  readonly ownedWhen?: readonly string[];
  /** Run after an upsert that inserted rows: `$1` integration, `$2` the inserted keys. */
  readonly afterInsert?: string;
}

/** The table that keeps the keys unique, and hash, stamp and removal with them. */
export function keyTableOf<R>({ name, partitioned }: Pick<RecordTable<R>, 'name' | 'partitioned'>): string {
  return partitioned?.keyTable ?? name;
}

/** Names of the columns that hold content hash and stamp; not quoted. */
export function aspectOf<R>({ aspect }: RecordTable<R>): Aspect {
  return aspect ?? WHOLE;
}

/** SQL: the days of the row `alias` that are to be rolled up again, as dates; needs the CTE `zone`. `key`: the first column of its key. */
export function dirtyDatesOf<R>(
  { columns, dirtyInstants, alsoDirty }: RecordTable<R>,
  alias: string,
  key: string,
): string[] {
  const isDate = (name: string): boolean => columns.some((column) => column.name === name && column.type === 'date');
  return dirtyInstants.flatMap((name) => {
    const at = `${alias}.${ident(name)}`;
    if (isDate(name)) return [at];
    const instants = alsoDirty === undefined ? [at] : [at, alsoDirty('$1', key, at)];
    return instants.map((instant) => `(${instant} at time zone z.timezone)::date`);
  });
}

/** SQL: the row `t` and the incoming row `i` have the same key. */
export function sameKey<R>({ keyColumns }: RecordTable<R>): string {
  return keyColumns.map((name) => `t.${ident(name)} = i.${ident(name)}`).join(' and ');
}

/** SQL: the key of the row `alias` as one text, as `keyOf` writes it. */
export function keyText<R>({ keyColumns }: Pick<RecordTable<R>, 'keyColumns'>, alias: string): string {
  return keyColumns.map((name) => `${alias}.${ident(name)}`).join(` || ' ' || `);
}

/** SQL: the key of `t` is among the texts of the parameter; by its columns, so that an index serves. */
export function isAmong<R>({ keyColumns }: RecordTable<R>, parameter: string): string {
  const [first, second] = keyColumns;
  if (second === undefined) return `t.${ident(first)} = any (${parameter}::text[])`;
  return sql`(t.${ident(first)}, t.${ident(second)}) in (
          select split_part(key, ' ', 1), substr(key, strpos(key, ' ') + 1)
          from unnest(${parameter}::text[]) as u (key)
        )`;
}

/** When the content of a row was last written or seen. `seen_at` is null until somebody asks how old copies are. */
export function ageOf(row: string): string {
  return `greatest(${row}.updated_at, ${row}.seen_at)`;
}

export function text<R>(name: string, read: (record: R) => string | null): RecordColumn<R> {
  return { name, type: 'text', read };
}

export function instant<R>(name: string, read: (record: R) => Date | null): RecordColumn<R> {
  return { name, type: 'timestamptz', read: (record) => read(record)?.toISOString() ?? null };
}

/** Decimal text; `1.50` and `1.5` are the same content. */
export function decimal<R>(name: string, read: (record: R) => string | null): RecordColumn<R> {
  return {
    name,
    type: 'numeric',
    read: (record) => {
      const value = read(record);
      return value === null ? null : normalizeDecimal(value);
    },
  };
}

export function integer<R>(name: string, read: (record: R) => number | null): RecordColumn<R> {
  return { name, type: 'integer', read: (record) => read(record)?.toString() ?? null };
}

/** `YYYY-MM-DD`. */
export function day<R>(name: string, read: (record: R) => string | null): RecordColumn<R> {
  return { name, type: 'date', read };
}

/** A document; the order of its members does not matter. */
export function json<R>(name: string, read: (record: R) => unknown): RecordColumn<R> {
  return { name, type: 'jsonb', read: (record) => canonicalJson(read(record)) };
}

/** A list of texts as an array literal. */
export function textList<R>(name: string, read: (record: R) => readonly string[]): RecordColumn<R> {
  return { name, type: 'text[]', read: (record) => arrayLiteral(read(record)) };
}

/** A Postgres array literal; every element is quoted, so `NULL` and the empty text are texts. */
export function arrayLiteral(values: readonly (string | null)[]): string {
  let literal = '';
  for (const value of values) {
    if (literal !== '') literal += ',';
    if (value === null) literal += 'NULL';
    else literal += needsEscape(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`;
  }
  return `{${literal}}`;
}

/** Two searches of one byte are several times as fast as one pattern, and every text of every page comes through here. */
function needsEscape(value: string): boolean {
  return value.includes('"') || value.includes('\\');
}
