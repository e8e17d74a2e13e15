// Ledger rows that an operator brings forward or takes away. Every function runs in the caller's transaction.

import type { Queryable } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import { LEDGER_COLUMNS, type LedgerRow } from './ledger.ts';

/** A job that waits for its time is due now; null when it does not. */
export async function bringForward(db: Queryable, id: string, now: Date): Promise<LedgerRow | null> {
  const { rows } = await db.query<LedgerRow>(
    sql`
    update job_ledger l
    set run_at = $2
    where l.id = $1
      and l.state in ('pending', 'admitted')
      and l.run_at > $2
    returning ${LEDGER_COLUMNS}`,
    [id, now],
  );
  return rows[0] ?? null;
}

export interface WaitingPage {
  readonly states: readonly ('waiting' | 'delayed')[];
  /** Created before then. */
  readonly before: Date;
  readonly limit: number;
  readonly now: Date;
}

/** Oldest first. */
export async function listWaiting(
  db: Queryable,
  queue: string,
  { states, before, limit, now }: WaitingPage,
): Promise<readonly LedgerRow[]> {
  const { rows } = await db.query<LedgerRow>(
    sql`
    select ${LEDGER_COLUMNS}
    from job_ledger l
    where l.queue = $1
      and l.state in ('pending', 'admitted')
      and l.created_at < $3
      and case when l.run_at > $4 then 'delayed' else 'waiting' end = any($2::text[])
    order by l.created_at, l.id
    limit $5`,
    [queue, states, before, now, limit],
  );
  return rows;
}

/** Those that still wait: `pending` ones, and `admitted` ones that the engine has given back. */
export async function deleteWaiting(
  db: Queryable,
  { pending, admitted }: { readonly pending: readonly string[]; readonly admitted: readonly string[] },
): Promise<readonly LedgerRow[]> {
  const { rows } = await db.query<LedgerRow>(
    sql`
    delete from job_ledger l
    where (l.state = 'pending' and l.id = any($1::uuid[]))
      or (l.state = 'admitted' and l.id = any($2::uuid[]))
    returning ${LEDGER_COLUMNS}`,
    [pending, admitted],
  );
  return rows;
}

export interface DeadChoice {
  /** Null: any. */
  readonly ids: readonly string[] | null;
  /** Died before then. */
  readonly before: Date;
  readonly limit: number;
}

/** Longest dead first; their ids. */
export async function deleteDead(
  db: Queryable,
  queue: string,
  { ids, before, limit }: DeadChoice,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    sql`
    delete from job_ledger
    where id in (
      select l.id
      from job_ledger l
      where l.queue = $1
        and l.state = 'dead'
        and ($2::uuid[] is null or l.id = any($2))
        and l.settled_at <= $3
      order by l.settled_at, l.id
      limit $4
      for update skip locked
    )
    returning id`,
    [queue, ids, before, limit],
  );
  return rows.map(({ id }) => id);
}
