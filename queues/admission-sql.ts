// The statements of admission: who waits, how much of each user is inside the engine, and what enters.
//
// $1 = now, $2 = the bound of a user of weight 1. In a pass $3 = jobs at most, $4 = users who are full, or those it is for.

import { sql } from '../src/db/sql.ts';
import { LEDGER_COLUMNS, type LedgerRow } from './ledger.ts';

/** What a pass answers for each job that entered; without one a single row with the rest. */
export type PassRow = LedgerRow & {
  readonly fairTag: number;
  readonly candidates: number;
  /** Users who had no room for all of theirs. */
  readonly full: readonly string[] | null;
};

/** How many due jobs of `user_id` may be inside the engine ($2 times the weight), and how many are. */
const BOUND_AND_LOAD = sql`
  w.bound,
  (
    select count(*)
    from (
      select from job_ledger h
      where h.user_id = u.user_id and h.state in ('admitted', 'active') and h.run_at <= $1
      limit w.bound
    ) bounded
  )::integer as "inEngine"`;

/** An engine serves those in it alike, so a share of what is served is a share of the places inside. */
const WEIGHED = sql`
  cross join lateral (
    select greatest(1, ceil($2 * coalesce((select weight from fair_shares s where s.user_id = u.user_id), 1)))::integer as bound
  ) w`;

const CANDIDATE = sql`select id, user_id, class, fair_tag from job_ledger where state = 'pending' and run_at <= $1`;

/** First come the first of everybody; users who are known to be full are passed over. */
const OF_ALL = sql`
  ${CANDIDATE}
    and (user_id is null or user_id <> all($4::uuid[]))
  order by class, fair_tag, id
  limit $3`;

/** No more of each than could ever enter. */
const OF_USERS = sql`
  select c.*
  from unnest($4::uuid[]) as u (user_id)
  ${WEIGHED}
  cross join lateral (
    ${CANDIDATE}
      and user_id = u.user_id
    order by class, fair_tag, id
    limit least(w.bound, $3)
  ) c`;

/**
 * Locks what enters and nothing else: a flood has thousands that do not. By ids and not by joins: the size of the batch is
 * guessed wrong once the statistics lag. A row comes back also when nothing entered.
 */
const admitBatchOf = (candidates: string): string => sql`
with candidates as materialized (${candidates}
),
loads as materialized (
  select u.user_id, ${BOUND_AND_LOAD}
  from (select distinct user_id from candidates where user_id is not null) u
  ${WEIGHED}
),
ranked as materialized (
  select c.id, c.user_id,
    c.user_id is null
      or l.bound >= l."inEngine" + row_number() over (partition by c.user_id order by c.class, c.fair_tag, c.id) as fits
  from candidates c
  left join loads l on l.user_id = c.user_id
),
free as materialized (
  select id
  from job_ledger
  where id = any(array(select id from ranked where fits)) and state = 'pending'
  for update skip locked
),
entered as (
  update job_ledger l
  set state = 'admitted', admitted_at = $1
  where l.id = any(array(select id from free))
  returning l.fair_tag as "fairTag", ${LEDGER_COLUMNS}
)
select seen.candidates, seen.full, e.*
from (
  select count(*)::integer as candidates, array_agg(distinct user_id) filter (where not fits) as full
  from ranked
) seen
left join entered e on true`;

export const ADMIT_OF_ALL = admitBatchOf(OF_ALL);
export const ADMIT_OF_USERS = admitBatchOf(OF_USERS);

export const LOADS = sql`
select u.user_id as "userId", ${BOUND_AND_LOAD},
  exists (
    select from job_ledger p
    where p.user_id = u.user_id and p.state = 'pending' and p.run_at <= $1
  ) as waiting
from unnest($3::uuid[]) as u (user_id)
${WEIGHED}`;
