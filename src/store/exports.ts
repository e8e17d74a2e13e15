// A person's rows as JSON lines, table by table: what the api's role may see in the user's own scope, without sealed columns,
// which it may not select, and without bytes and leases, which say nothing to a person.

import type { Queryable, Tx } from '../db/database.ts';
import { ident, sql } from '../db/sql.ts';

export interface ExportTable {
  readonly name: string;
  /** The column that says whose row it is. */
  readonly userColumn: string;
  readonly columns: readonly ExportColumn[];
}

export interface ExportColumn {
  readonly name: string;
  /** As PostgreSQL names it: `numeric(20,6)`. */
  readonly type: string;
}

/** Numbers that a JSON reader would round. */
const EXACT = /^(?:numeric|bigint)/;

/** Tables with a user column, in the order of their names; partitions are read through their parent. */
export async function listExportTables(db: Queryable): Promise<readonly ExportTable[]> {
  const { rows } = await db.query<ExportTable>(sql`
    select c.relname as name, whose.attname as "userColumn",
      (
        select jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) order by a.attnum)
        from pg_attribute a
        where a.attrelid = c.oid
          and a.attnum > 0
          and not a.attisdropped
          and a.atttypid <> 'bytea'::regtype
          and a.attname not in ('lease_token', 'lease_worker')
          and has_column_privilege(c.oid, a.attnum, 'select')
      ) as columns
    from pg_class c
    join pg_attribute whose on whose.attrelid = c.oid
      and whose.attname = case c.relname when 'users' then 'id' else 'user_id' end
    where c.relnamespace = 'public'::regnamespace
      and c.relkind in ('r', 'p')
      and not c.relispartition
      and c.relrowsecurity
      and has_column_privilege(c.oid, whose.attnum, 'select')
    order by c.relname`);
  return rows;
}

/** Lines of JSON, at most `batch` at a time; money and long ids as text, instants in UTC. */
export async function* readExportLines(
  tx: Tx,
  { name, userColumn, columns }: ExportTable,
  { userId, batch }: { readonly userId: string; readonly batch: number },
): AsyncGenerator<readonly string[]> {
  const shown = columns.map((column) =>
    EXACT.test(column.type) ? `${ident(column.name)}::text as ${ident(column.name)}` : ident(column.name),
  );
  await tx.query(`
    declare exported no scroll cursor for
    select row_to_json(t)::text as line
    from (select ${shown.join(', ')} from ${ident(name)} where ${ident(userColumn)} = '${userId}') t`);
  for (;;) {
    const { rows } = await tx.query<{ line: string }>(`fetch ${batch} from exported`);
    if (rows.length > 0) yield rows.map(({ line }) => line);
    if (rows.length < batch) break;
  }
  await tx.query('close exported');
}

/** How many rows of the user each table has; those without any are left out. */
export async function countRowsOfUser(tx: Tx, userId: string): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const { name, userColumn } of await listExportTables(tx)) {
    const { rows } = await tx.query<{ count: number }>(
      `select count(*)::double precision as count from ${ident(name)} where ${ident(userColumn)} = $1`,
      [userId],
    );
    if (rows[0]!.count > 0) counts[name] = rows[0]!.count;
  }
  return counts;
}
