// Marks that say which local day of which user must be rolled up again. Append-only; a rollup takes the marks it has
// seen and no others, so a fact that commits meanwhile leaves a mark of its own.

import type { Queryable, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';

/** Days as `YYYY-MM-DD` in the user's zone. Written last in a page. */
export async function markDirtyDays(tx: Queryable, userId: string, days: readonly string[]): Promise<void> {
  if (days.length === 0) return;
  await tx.query(
    sql`
    insert into dirty_days (user_id, day)
    select $1, day
    from unnest($2::date[]) as d (day)`,
    [userId, days],
  );
}

/**
 * Marks every day of the user that was computed and is not sealed, and its neighbours: in another zone their facts fall
 * there. For a transaction of scope `ops`, which sees whose days there are while this statement lasts.
 */
export async function markComputedDays(tx: Tx, userId: string): Promise<void> {
  await tx.query(`select set_config('app.user_id', $1, true)`, [userId]);
  await tx.query(
    sql`
    insert into dirty_days (user_id, day)
    select distinct m.user_id, m.date + n.days
    from user_metrics m
    cross join (values (-1), (0), (1)) as n (days)
    where m.user_id = $1
      and m.sealed_at is null`,
    [userId],
  );
  await tx.query(`select set_config('app.user_id', '', true)`);
}

/** Removes the marks that are visible now; returns how many there were. */
export async function takeDirtyMarks(tx: Queryable, userId: string, day: string): Promise<number> {
  const { rowCount } = await tx.query(
    sql`
    delete from dirty_days
    where user_id = $1
      and day = $2`,
    [userId, day],
  );
  return rowCount ?? 0;
}
