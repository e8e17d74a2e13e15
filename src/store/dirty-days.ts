// Marks that say which local day of which user must be rolled up again. Append-only; a rollup takes the marks it has
// seen and no others, so a fact that commits meanwhile leaves a mark of its own.

import type { Queryable } from '../db/database.ts';
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

/** Marks the day that ended last for each active user of these zones. */
export async function markEndedDays(db: Queryable, zones: readonly string[], now: Date): Promise<number> {
  const { rowCount } = await db.query(
    sql`
    insert into dirty_days (user_id, day)
    select u.id, ($2::timestamptz at time zone u.timezone)::date - 1
    from users u
    where u.is_active
      and u.timezone = any ($1::text[])`,
    [zones, now],
  );
  return rowCount ?? 0;
}

/** Marked days of a user, oldest first, at most `limit`. */
export async function listMarkedDays(tx: Queryable, userId: string, limit: number): Promise<readonly string[]> {
  const { rows } = await tx.query<{ day: string }>(
    sql`
    select distinct day
    from dirty_days
    where user_id = $1
    order by day
    limit $2`,
    [userId, limit],
  );
  return rows.map(({ day }) => day);
}

/** Removes the marks that are visible now; returns how many there were. */
export async function takeDirtyMarks(tx: Queryable, userId: string, days: readonly string[]): Promise<number> {
  const { rowCount } = await tx.query(
    sql`
    delete from dirty_days
    where user_id = $1
      and day = any ($2::date[])`,
    [userId, days],
  );
  return rowCount ?? 0;
}

/** The newest mark there is; 0 without any. */
export async function newestMark(db: Queryable): Promise<bigint> {
  const { rows } = await db.query<{ mark: string | null }>('select max(id) as mark from dirty_days');
  return BigInt(rows[0]?.mark ?? 0);
}

export interface WaitingMarks {
  /** Null: of all users. */
  readonly userId: string | null;
  readonly from: string;
  readonly to: string;
  /** Marks that came later are somebody else's. */
  readonly upTo: bigint;
}

/** Days of a range that wait to be rolled up. */
export async function countWaitingDays(db: Queryable, { userId, from, to, upTo }: WaitingMarks): Promise<number> {
  const { rows } = await db.query<{ days: number }>(
    sql`
    select count(*)::integer as days
    from (
      select distinct user_id, day
      from dirty_days
      where ($1::uuid is null or user_id = $1)
        and day between $2::date and $3::date
        and id <= $4
    ) d`,
    [userId, from, to, upTo],
  );
  return rows[0]!.days;
}
