// Tables and indexes that hold far more room than their rows need, as far as the server's own counts tell: no table is read, and any
// role may ask. Estimates, to be looked at by a person; a rebuild (`reindex index concurrently`) gives an index its size back.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export interface BloatLimits {
  /** Smaller ones are no worry. */
  readonly leastBytes: number;
  /** Part of a table's rows that are dead, 0 to 1. */
  readonly deadShare: number;
  /** How many times an index may be as large as its keys need. */
  readonly indexFactor: number;
}

export const BLOAT_LIMITS: BloatLimits = { leastBytes: 64 * 1024 * 1024, deadShare: 0.3, indexFactor: 4 };

export interface Bloated {
  readonly kind: 'table' | 'index';
  /** Of the table, or of the index. */
  readonly name: string;
  readonly bytes: number;
  /** Of a table the part of dead rows; of an index how many times what its keys need. */
  readonly factor: number;
}

/**
 * Worst first. Dead rows are what autovacuum has not come to yet. An index entry is taken for its columns (text for 32 bytes) and
 * 16 bytes around it, in pages that are nine tenths full; where nobody has analysed the table, nothing is said.
 */
export async function findBloat(db: Queryable, limits: BloatLimits = BLOAT_LIMITS): Promise<readonly Bloated[]> {
  const { rows } = await db.query<Bloated>(
    sql`
    with tables as (
      select 'table' as kind, s.relname::text as name, pg_relation_size(s.relid)::double precision as bytes,
        s.n_dead_tup::double precision / nullif(s.n_dead_tup + s.n_live_tup, 0) as factor
      from pg_stat_user_tables s
      where s.schemaname = 'public'
    ),
    indexes as (
      select 'index' as kind, c.relname::text as name, pg_relation_size(c.oid)::double precision as bytes,
        pg_relation_size(c.oid)::double precision / nullif(c.reltuples * (16 + (
          select sum(case when a.attlen > 0 then a.attlen else 32 end)
          from pg_attribute a
          where a.attrelid = c.oid
        )) / 0.9, 0) as factor
      from pg_class c
      join pg_am m on m.oid = c.relam and m.amname = 'btree'
      where c.relkind = 'i'
        and c.relnamespace = 'public'::regnamespace
        and c.reltuples >= 0
    )
    select *
    from tables
    where bytes >= $1 and factor >= $2
    union all
    select kind, name, bytes, coalesce(factor, bytes) as factor
    from indexes
    where bytes >= $1 and coalesce(factor, $3) >= $3
    order by bytes desc
    limit 20`,
    [limits.leastBytes, limits.deadShare, limits.indexFactor],
  );
  return rows;
}
