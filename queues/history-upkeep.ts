// What the history of queues takes, and how it is cleared: by age, a bounded piece at a time, or by a person's word.

import type { Queryable } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import { KEEP_HOURS_MS, KEEP_MINUTES_MS } from './history-read.ts';

export interface HistoryUsage {
  readonly queue: string;
  readonly period: 'minute' | 'hour';
  /** UTC, `YYYY-MM-DD`. */
  readonly day: string;
  readonly rows: number;
  readonly bytes: number;
}

/** By queue, period and day. Reads everything that is kept. */
export async function readHistoryUsage(db: Queryable): Promise<readonly HistoryUsage[]> {
  const { rows } = await db.query<HistoryUsage>(sql`
    select queue, period, (period_start at time zone 'UTC')::date as day, count(*)::integer as rows,
      sum(pg_column_size(h.*))::double precision as bytes
    from queue_history h
    group by queue, period, day
    order by queue, period, day`);
  return rows;
}

export interface HistoryPurge {
  /** Null: of all. */
  readonly queue: string | null;
  /** Periods that began before; null: all of them. */
  readonly before: Date | null;
  readonly period?: 'minute' | 'hour';
  readonly limit: number;
}

/** Removes the oldest first, at most `limit` rows; answers how many. */
export async function purgeHistory(db: Queryable, { queue, before, period, limit }: HistoryPurge): Promise<number> {
  const { rowCount } = await db.query(
    sql`
    delete from queue_history
    where (period, period_start, queue) in (
      select period, period_start, queue
      from queue_history
      where ($1::text is null or queue = $1)
        and ($2::timestamptz is null or period_start < $2)
        and ($3::text is null or period = $3)
      order by period, period_start
      limit $4
    )`,
    [queue, before, period ?? null, limit],
  );
  return rowCount ?? 0;
}

/** Removes marks of writers that have not written since; one that writes again makes its mark anew. */
export async function pruneHistoryWriters(db: Queryable, before: Date): Promise<void> {
  await db.query(sql`delete from queue_history_writers where written_at < $1`, [before]);
}

/** Removes what is too old, at most `limit` rows of each period; true when there may be more. */
export async function pruneHistory(db: Queryable, now: Date, limit: number): Promise<boolean> {
  const ages = [['minute', KEEP_MINUTES_MS] as const, ['hour', KEEP_HOURS_MS] as const];
  let isMore = false;
  for (const [period, keptMs] of ages) {
    const before = new Date(now.getTime() - keptMs);
    if ((await purgeHistory(db, { queue: null, before, period, limit })) === limit) isMore = true;
  }
  return isMore;
}
