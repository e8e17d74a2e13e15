// Rows in every partition of every table, so that a test that looks at tables sees something in each.

import { ident } from '../../src/db/sql.ts';
import type { TestDatabase } from './postgres.ts';

interface Partition {
  readonly parent: string;
  readonly column: string;
  /** Null: the default one, which holds what is older than all months. */
  readonly begins: string | null;
  readonly isTenants: boolean;
}

/** Copies the tenants' rows of partitioned tables into every partition, of other tables any row. */
export async function seedPartitions(database: TestDatabase, users: readonly string[]): Promise<void> {
  const partitions = await database.asSuperuser<Partition>(`
    select p.relname as parent, a.attname as column,
      exists (select from pg_attribute u where u.attrelid = p.oid and u.attname = 'user_id') as "isTenants",
      (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''([^'']+)''\\)'))[1] as begins
    from pg_class c
    join pg_inherits i on i.inhrelid = c.oid
    join pg_class p on p.oid = i.inhparent
    join pg_partitioned_table t on t.partrelid = p.oid
    join pg_attribute a on a.attrelid = p.oid and a.attnum = t.partattrs[0]
    where c.relkind = 'r' and c.relispartition and c.relnamespace = 'public'::regnamespace`);
  for (const { parent, column, begins, isTenants } of partitions) {
    const chosen = isTenants
      ? `select distinct on (user_id) * from ${ident(parent)} where user_id = any ($3)`
      : `select * from ${ident(parent)} where $3::uuid[] is not null limit 1`;
    await database.asSuperuser(
      `insert into ${ident(parent)}
       select (jsonb_populate_record(null::${ident(parent)}, to_jsonb(p) || jsonb_build_object($1::text, $2::text))).*
       from (${chosen}) p
       on conflict do nothing`,
      [column, begins ?? '1999-01-01T00:00:00Z', users],
    );
  }
}
