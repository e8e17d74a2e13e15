// The ledger's dead letters: counted, locked oldest first, made alive again. Every function runs in the caller's transaction.

import type { Queryable } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import { LEDGER_COLUMNS, type LedgerRow } from './ledger.ts';
import type { ReplayPreview } from './port.ts';

/** Null: any. */
export interface DeadConditions {
  readonly ids: readonly string[] | null;
  readonly queue: string | null;
  readonly kind: string | null;
  readonly userId: string | null;
  readonly code: string | null;
  /** JSON. */
  readonly payload: string | null;
  readonly diedBefore: Date | null;
  readonly diedAfter: Date | null;
}

export interface UniqueKey {
  readonly kind: string;
  readonly uniqueKey: string;
}

export interface DeadRow extends LedgerRow {
  readonly cost: number;
  /** `settledAt` to the microsecond: where the next page begins. */
  readonly diedAt: string;
}

export interface DeadPage {
  readonly after: Pick<DeadRow, 'diedAt' | 'id'> | null;
  readonly limit: number;
}

const MATCHES = sql`
  l.state = 'dead'
  and ($1::uuid[] is null or l.id = any($1))
  and ($2::text is null or l.queue = $2)
  and ($3::text is null or l.kind = $3)
  and ($4::uuid is null or l.user_id = $4)
  and ($5::text is null or l.last_error->>'code' = $5)
  and ($6::jsonb is null or l.payload @> $6)
  and ($7::timestamptz is null or l.settled_at < $7)
  and ($8::timestamptz is null or l.settled_at > $8)`;

/** An unfinished job has the key. A question of its own per row, which the unique index answers; never a join. */
const KEY_TAKEN = sql`
  (exists (
    select
    from job_ledger o
    where o.kind = l.kind
      and o.unique_key = l.unique_key
      and o.state <> 'dead'
  )) is true`;

const valuesOf = (conditions: DeadConditions): readonly unknown[] => {
  const { ids, queue, kind, userId, code, payload, diedBefore, diedAfter } = conditions;
  return [ids, queue, kind, userId, code, payload, diedBefore, diedAfter];
};

const MAX_GROUPS = 50;

/** `blocked` also for the later ones of several dead letters with one key: the first of them will hold it. */
const PREVIEW = sql`
with matching as materialized (
  select l.queue, l.kind, coalesce(l.last_error->>'code', 'unknown') as code,
    l.unique_key is not null and (
      ${KEY_TAKEN}
      or (l.kind, l.unique_key) in (select t.kind, t.unique_key from unnest($9::text[], $10::text[]) as t (kind, unique_key))
      or row_number() over (partition by l.kind, l.unique_key order by l.settled_at, l.id) > 1
    ) as blocked
  from job_ledger l
  where ${MATCHES}
)
select queue, kind, code, count(*)::integer as jobs,
  (sum(count(*)) over ())::integer as total,
  (sum(count(*) filter (where blocked)) over ())::integer as blocked
from matching
group by queue, kind, code
order by jobs desc, queue, kind, code
limit $11`;

/** `taken`: keys that are held by jobs which no ledger knows. */
export async function previewDead(
  db: Queryable,
  conditions: DeadConditions,
  taken: readonly UniqueKey[],
): Promise<ReplayPreview> {
  const { rows } = await db.query<ReplayPreview['groups'][number] & { total: number; blocked: number }>(PREVIEW, [
    ...valuesOf(conditions),
    taken.map(({ kind }) => kind),
    taken.map(({ uniqueKey }) => uniqueKey),
    MAX_GROUPS,
  ]);
  return {
    total: rows[0]?.total ?? 0,
    blocked: rows[0]?.blocked ?? 0,
    groups: rows.map(({ queue, kind, code, jobs }) => ({ queue, kind, code, jobs })),
  };
}

export async function countDead(db: Queryable, conditions: DeadConditions): Promise<number> {
  const { rows } = await db.query<{ jobs: number }>(
    sql`select count(*)::integer as jobs from job_ledger l where ${MATCHES}`,
    valuesOf(conditions),
  );
  return rows[0]?.jobs ?? 0;
}

/** Locks those whose key is free, longest dead first; rows in somebody else's hand are left out. */
export async function lockReplayable(
  db: Queryable,
  conditions: DeadConditions,
  { after, limit }: DeadPage,
): Promise<readonly DeadRow[]> {
  const { rows } = await db.query<DeadRow>(
    sql`
    select ${LEDGER_COLUMNS}, l.cost, l.settled_at::text as "diedAt"
    from job_ledger l
    where ${MATCHES}
      and ($9::timestamptz is null or (l.settled_at, l.id) > ($9, $10::uuid))
      and (l.unique_key is null or not ${KEY_TAKEN})
    order by l.settled_at, l.id
    limit $11
    for update skip locked`,
    [...valuesOf(conditions), after?.diedAt ?? null, after?.id ?? null, limit],
  );
  return rows;
}

export interface Revival {
  readonly id: string;
  /** Whether it goes into the engine at once. */
  readonly admitted: boolean;
  readonly fairTag: number;
}

/** Dead jobs as if they were new. Throws `db.constraint` when a key was taken meanwhile. */
export async function revive(db: Queryable, revivals: readonly Revival[], now: Date): Promise<void> {
  if (revivals.length === 0) return;
  await db.query(
    sql`
    update job_ledger l
    set state = case when i.admitted then 'admitted' else 'pending' end, fair_tag = i."fairTag", attempts = 0, takeovers = 0,
      run_at = $2, admitted_at = case when i.admitted then $2::timestamptz end, started_at = null, settled_at = null,
      cancel_requested_at = null, progress = null
    from jsonb_to_recordset($1::jsonb) as i (id uuid, admitted boolean, "fairTag" double precision)
    where l.id = i.id
      and l.state = 'dead'`,
    [JSON.stringify(revivals), now],
  );
}

/** Dead letters that something else has made up for. */
export async function forgetDead(db: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db.query(
    sql`
    delete from job_ledger
    where id = any($1::uuid[])
      and state = 'dead'`,
    [ids],
  );
}
