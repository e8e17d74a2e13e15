// The ledger read as a whole: counts over all queues, and rows of a state page by page, for whoever goes through all of
// them. It changes nothing.

import type { Queryable } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import { LEDGER_COLUMNS, type LedgerRow, type LedgerState } from './ledger.ts';

/** Before every id. */
export const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** Number of rows by state; every state is present. */
export async function countByState(db: Queryable): Promise<Readonly<Record<LedgerState, number>>> {
  const { rows } = await db.query<{ state: LedgerState; jobs: number }>(sql`
    select state, count(*)::integer as jobs
    from job_ledger
    group by state`);
  return {
    pending: 0,
    admitted: 0,
    active: 0,
    dead: 0,
    ...Object.fromEntries(rows.map((row) => [row.state, row.jobs])),
  };
}

export interface LedgerPage {
  readonly state: LedgerState;
  /** The last id of the page before; `FIRST_ID` for the first. */
  readonly after: string;
  readonly limit: number;
}

/** In the order of their ids. */
export async function listPage(db: Queryable, { state, after, limit }: LedgerPage): Promise<readonly LedgerRow[]> {
  const { rows } = await db.query<LedgerRow>(
    sql`
    select ${LEDGER_COLUMNS}
    from job_ledger l
    where l.state = $1
      and l.id > $2
    order by l.id
    limit $3`,
    [state, after, limit],
  );
  return rows;
}

/** Locks those of these rows that are still in this state. */
export async function lockInState(
  tx: Queryable,
  ids: readonly string[],
  state: LedgerState,
): Promise<readonly LedgerRow[]> {
  const { rows } = await tx.query<LedgerRow>(
    sql`
    select ${LEDGER_COLUMNS}
    from job_ledger l
    where l.id = any($1::uuid[])
      and l.state = $2
    order by l.id
    for update`,
    [ids, state],
  );
  return rows;
}
