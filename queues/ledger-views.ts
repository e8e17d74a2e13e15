// The ledger as people see it: lists newest first, counts by state. Reads only, in the caller's transaction.

import { isUuid } from '../src/core/ids.ts';
import type { Queryable } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import { LEDGER_COLUMNS, type LedgerRow } from './ledger.ts';

export interface LedgerFilter {
  readonly queue: string | null;
  readonly kind: string | null;
  readonly userId: string | null;
  /** Null: any. */
  readonly payload: Readonly<Record<string, unknown>> | null;
  readonly waiting: boolean;
  readonly delayed: boolean;
  readonly active: boolean;
  readonly dead: boolean;
  /** Null: from the newest on. */
  readonly after: { readonly createdAt: Date; readonly id: string } | null;
  readonly limit: number;
}

/** Newest first. */
export async function listJobs(db: Queryable, filter: LedgerFilter, now: Date): Promise<readonly LedgerRow[]> {
  const { queue, kind, userId, payload, waiting, delayed, active, dead, after, limit } = filter;
  const { rows } = await db.query<LedgerRow>(
    sql`
    select ${LEDGER_COLUMNS}
    from job_ledger l
    where ($1::text is null or l.queue = $1)
      and ($2::text is null or l.kind = $2)
      and ($3::uuid is null or l.user_id = $3)
      and ($10::jsonb is null or l.payload @> $10)
      -- Says nothing that the next condition does not, but an index can answer it.
      and l.state = any($11::text[])
      and case l.state
            when 'active' then $6::boolean
            when 'dead' then $7::boolean
            else case when l.run_at > $9 then $5::boolean else $4::boolean end
          end
      and ($12::timestamptz is null or (l.created_at, l.id) < ($12, $13::uuid))
    order by l.created_at desc, l.id desc
    limit $8`,
    [
      queue,
      kind,
      userId,
      waiting,
      delayed,
      active,
      dead,
      limit,
      now,
      payload === null ? null : JSON.stringify(payload),
      [
        ...(waiting || delayed ? ['pending', 'admitted'] : []),
        ...(active ? ['active'] : []),
        ...(dead ? ['dead'] : []),
      ],
      after?.createdAt ?? null,
      after?.id ?? null,
    ],
  );
  return rows;
}

/** Those of these jobs that the ledger knows, in whatever state. */
export async function knownJobs(db: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, LedgerRow>> {
  // What came in by an engine's own door may have an id of any form.
  const possible = ids.filter(isUuid);
  if (possible.length === 0) return new Map();
  const { rows } = await db.query<LedgerRow>(
    sql`select ${LEDGER_COLUMNS} from job_ledger l where l.id = any($1::uuid[])`,
    [possible],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

export interface LedgerCounts {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  readonly dead: number;
}

export async function countJobs(db: Queryable, queue: string, now: Date): Promise<LedgerCounts> {
  const { rows } = await db.query<LedgerCounts>(
    sql`
    select
      count(*) filter (where state in ('pending', 'admitted') and run_at <= $2)::integer as waiting,
      count(*) filter (where state in ('pending', 'admitted') and run_at > $2)::integer as delayed,
      count(*) filter (where state = 'active')::integer as active,
      count(*) filter (where state = 'dead')::integer as dead
    from job_ledger
    where queue = $1`,
    [queue, now],
  );
  return rows[0] ?? { waiting: 0, delayed: 0, active: 0, dead: 0 };
}
