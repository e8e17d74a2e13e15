// Rows in every partition of every table, so that a test that looks at tables sees something in each.

import { ident } from '../../src/db/sql.ts';
import type { TestDatabase } from './postgres.ts';

/** Copies the rows of partitioned tables into every partition that begins somewhere. */
export async function seedPartitions(database: TestDatabase, users: readonly string[]): Promise<void> {
  const partitions = await database.asSuperuser<{ parent: string; column: string; begins: string }>(`
    select p.relname as parent, a.attname as column,
      (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''([^'']+)''\\)'))[1] as begins
    from pg_class c
    join pg_inherits i on i.inhrelid = c.oid
    join pg_class p on p.oid = i.inhparent
    join pg_partitioned_table t on t.partrelid = p.oid
    join pg_attribute a on a.attrelid = p.oid and a.attnum = t.partattrs[0]
    where c.relkind = 'r' and c.relispartition and c.relnamespace = 'public'::regnamespace`);
  for (const { parent, column, begins } of partitions) {
    if (begins === null) continue;
    await database.asSuperuser(
      `insert into ${ident(parent)}
       select (jsonb_populate_record(null::${ident(parent)}, to_jsonb(p) || jsonb_build_object($1::text, $2::text))).*
       from (select distinct on (user_id) * from ${ident(parent)} where user_id = any ($3)) p
       on conflict do nothing`,
      [column, begins, users],
    );
  }
  // One more for what is older than all months that have a partition.
  await database.asSuperuser(
    `insert into messages
    select (jsonb_populate_record(null::messages, to_jsonb(p) || '{"sent_at": "1999-01-01T00:00:00Z"}')).*
    from (select distinct on (user_id) * from messages where user_id = any ($1)) p`,
    [users],
  );
}
