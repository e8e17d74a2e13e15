// What we wrote ourselves and keep for a while, once it is old: counted, or forgotten a bounded piece at a time, oldest first. For the
// scheduler; counting also for an operator.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

async function countOf(db: Queryable, text: string, values: readonly unknown[]): Promise<number> {
  const { rows } = await db.query<{ rows: number }>(`select (${text})::double precision as rows`, values);
  return rows[0]!.rows;
}

export function countOldRuns(db: Queryable, before: Date): Promise<number> {
  return countOf(db, 'select count(*) from sync_logs where completed_at < $1', [before]);
}

/** Runs that ended before; raw records of theirs stay, and name no run any more. */
export async function pruneRuns(db: Queryable, before: Date, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    sql`
    delete from sync_logs
    where id = any (array(
      select id
      from sync_logs
      where completed_at < $1
      order by completed_at
      limit $2
      for update skip locked
    ))`,
    [before, limit],
  );
  return rowCount ?? 0;
}

export function countOldQuarantine(db: Queryable, before: Date): Promise<number> {
  return countOf(db, 'select count(id) from sync_quarantine where created_at < $1', [before]);
}

/** Raw records that came first before then, replayed ones too. */
export async function pruneQuarantine(db: Queryable, before: Date, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    sql`
    delete from sync_quarantine
    where id = any (array(
      select id
      from sync_quarantine
      where created_at < $1
      order by created_at
      limit $2
    ))`,
    [before, limit],
  );
  return rowCount ?? 0;
}

/** Jobs that died before then. */
export function countOldDeadJobs(db: Queryable, before: Date): Promise<number> {
  return countOf(db, `select count(*) from job_ledger where state = 'dead' and settled_at <= $1`, [before]);
}

export function countOldInbox(db: Queryable, doneBefore: Date, othersBefore: Date): Promise<number> {
  return countOf(db, 'tidemark_private.count_old_inbox($1, $2)', [doneBefore, othersBefore]);
}
