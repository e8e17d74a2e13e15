// Months of the tables that only grow. What makes and drops them is SQL that runs as their owner (`migrations/0027_partitions.sql`);
// here are the questions and the calls.

import type { KeptName } from '../core/keep-policy.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

/** Tables by month, and the name under which somebody says how long they are kept. */
export const PARTITIONED = {
  messages: 'messages',
  platform_metrics: 'metric_days',
  audit_logs: 'audit',
  security_logs: 'security',
} as const satisfies Record<string, KeptName>;

export type PartitionedTable = keyof typeof PARTITIONED;
export const PARTITIONED_TABLES = Object.keys(PARTITIONED) as readonly PartitionedTable[];

export interface MonthPartition {
  readonly table: PartitionedTable;
  readonly name: string;
  /** First day, `YYYY-MM-DD`; months are those of UTC. */
  readonly month: string;
  readonly endsAt: Date;
  /** As the server has estimated them last; null: never. */
  readonly rows: number | null;
  /** With indexes. */
  readonly bytes: number;
}

/** Oldest first. Any role may ask. */
export async function listMonths(db: Queryable, table: PartitionedTable): Promise<readonly MonthPartition[]> {
  const { rows } = await db.query<MonthPartition>(
    sql`
    select $1 as table, c.relname as name, (p.first at time zone 'UTC')::date as month, p.next as "endsAt",
      nullif(c.reltuples, -1)::double precision as rows, pg_total_relation_size(c.oid)::double precision as bytes
    from tidemark_private.partition_months($1) p
    join pg_class c on c.oid = p.relation
    order by p.first`,
    [table],
  );
  return rows;
}

/** How many rows moved into it out of the default partition; null: it was there. Throws `db.serialization` while others hold the table. */
export async function makeMonth(db: Queryable, table: PartitionedTable, month: string): Promise<number | null> {
  const { rows } = await db.query<{ moved: number | null }>(
    'select tidemark_private.make_partition($1, $2)::double precision as moved',
    [table, month],
  );
  return rows[0]!.moved;
}

/** `young`: it ends later, or is gone; `unsealed`: metrics would still be computed from it. */
export type MonthFate = 'gone' | 'young' | 'unsealed';

/** Drops a month that ended before then. Throws `db.serialization` while others hold the table. */
export async function dropMonth(
  db: Queryable,
  { table, month }: Pick<MonthPartition, 'table' | 'month'>,
  before: Date,
): Promise<MonthFate> {
  const { rows } = await db.query<{ fate: MonthFate }>('select tidemark_private.drop_partition($1, $2, $3) as fate', [
    table,
    month,
    before,
  ]);
  return rows[0]!.fate;
}

/** Rows without a month of their own that are older than then. */
export async function countOutsideMonths(db: Queryable, table: PartitionedTable, before: Date): Promise<number> {
  const { rows } = await db.query<{ rows: number }>(
    'select tidemark_private.count_default_partition($1, $2)::double precision as rows',
    [table, before],
  );
  return rows[0]!.rows;
}

/** Forgets at most `limit` of them, oldest first; how many. None of messages while one of them counts on a day that is not sealed. */
export async function pruneOutsideMonths(
  db: Queryable,
  table: PartitionedTable,
  { before, limit }: { readonly before: Date; readonly limit: number },
): Promise<number> {
  const { rows } = await db.query<{ pruned: number }>(
    'select tidemark_private.prune_default_partition($1, $2, $3) as pruned',
    [table, before, limit],
  );
  return rows[0]!.pruned;
}

/** By its own name; null: there is no such month. */
export async function findMonth(db: Queryable, name: string): Promise<MonthPartition | null> {
  const table = PARTITIONED_TABLES.find((each) => name.startsWith(`${each}_`));
  if (table === undefined) return null;
  return (await listMonths(db, table)).find((month) => month.name === name) ?? null;
}
