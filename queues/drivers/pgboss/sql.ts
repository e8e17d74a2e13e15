// Statements that change pg-boss's own table, for what pg-boss has no verb for: one statement for jobs of many queues,
// putting back without spending a retry, claims across queues. Written against pg-boss 12.35 (schema pinned by the
// lockfile, checked at start). Every settle is fenced by the attempt (`retry_count`), which each claim raises; who holds a
// job stands in `group_id`, which pg-boss has an index on for active jobs.

import { sql } from '../../../src/db/sql.ts';

/**
 * Rows of a batch: one jsonb array, so that every verb takes one parameter whatever the number of jobs. The limit takes
 * nothing away: it tells the planner how many there are, or it believes in a hundred and reads the whole table for six.
 */
const INPUT = sql`
  (
    select *
    from rows from (jsonb_to_recordset($1::jsonb) as (
      id uuid, queue text, kind text, payload jsonb, priority integer, meta jsonb, token integer,
      run_at timestamptz, state text, output jsonb
    )) with ordinality as r (id, queue, kind, payload, priority, meta, token, run_at, state, output, ord)
    limit jsonb_array_length($1::jsonb)
  ) as i`;

const DATA = sql`jsonb_build_object('kind', i.kind, 'payload', i.payload, '_tm', i.meta)`;

interface NewRow {
  readonly state: string;
  readonly startAfter?: string;
  readonly completedOn?: string;
  readonly output?: string;
  /** Condition under which a batch row becomes a table row. */
  readonly where: string;
}

/** pg-boss's own unique index covers unfinished rows of the policy `exclusive` with equal keys; other rows have no key. */
const UNIQUE_KEY = sql`i.kind || ':' || (i.meta->>'uniqueKey')`;

/**
 * Rows of a batch lie a microsecond apart: the order of a batch is the order of fairness. Of two with one key the first
 * comes in. Engine retries are off.
 */
function insertRows({
  state,
  startAfter = 'pgboss.job_now()',
  completedOn = 'null',
  output = 'null',
  where,
}: NewRow): string {
  return sql`
insert into pgboss.job as j
  (id, name, data, priority, state, start_after, created_on, completed_on, keep_until, output,
   retry_limit, retry_delay, expire_seconds, deletion_seconds, singleton_key, policy)
select i.id, q.name, ${DATA}, coalesce(i.priority, 0), ${state}, ${startAfter},
  pgboss.job_now() + i.ord * interval '1 microsecond', ${completedOn}::timestamptz,
  ${startAfter} + q.retention_seconds * interval '1 second', ${output}::jsonb,
  0, 0, q.expire_seconds, q.deletion_seconds, ${UNIQUE_KEY},
  case when i.meta->>'uniqueKey' is null then q.policy else 'exclusive' end
from ${INPUT}
join pgboss.queue q on q.name = i.queue
where ${where}
order by i.ord`;
}

const ABSENT = sql`not exists (select from pgboss.job h where h.name = i.queue and h.id = i.id)`;
const HELD = sql`j.name = i.queue and j.id = i.id and (i.token is null or j.retry_count = i.token)`;
const QUEUED = sql`'created'::pgboss.job_state`;

const DUE = sql`coalesce(i.run_at, pgboss.job_now())`;

export const ADD = sql`${insertRows({ state: QUEUED, startAfter: DUE, where: 'true' })}
on conflict (name, id) do update
set state = 'created', completed_on = null, output = null, start_after = excluded.start_after, data = excluded.data,
    created_on = excluded.created_on, keep_until = excluded.keep_until
where j.state > 'active'`;

/** With a conflict on the id or on the key a row is left out: `HOLDERS` says who stands for it. */
export const ADD_KEYED = sql`${insertRows({ state: QUEUED, startAfter: DUE, where: 'true' })}
on conflict do nothing
returning j.id`;

export const HOLDERS = sql`
select i.id, h.id as holder
from ${INPUT}
cross join lateral (
  select j.id
  from pgboss.job j
  where j.name = i.queue and j.state <= 'active' and j.policy = 'exclusive' and coalesce(j.singleton_key, '') = ${UNIQUE_KEY}
  limit 1
) h`;

/** Finished rows that stand in the way of a job that is added again. */
export const FORGET_FINISHED = sql`
delete from pgboss.job j
using ${INPUT}
where j.name = i.queue and j.id = i.id and j.state > 'active'`;

/** Also when pg-boss has meanwhile failed the row as expired: the ledger decides who works, the attempt is the fence. */
export const PUT_BACK = sql`
with held as (
  update pgboss.job j
  set state = 'created', completed_on = null, output = null, start_after = i.run_at,
      data = case when i.meta is null then j.data else ${DATA} end,
      keep_until = greatest(j.keep_until, i.run_at + interval '10 years')
  from ${INPUT}
  where ${HELD} and (i.token is null or j.state in ('active', 'failed'))
)
${insertRows({ state: QUEUED, startAfter: 'i.run_at', where: ABSENT })}
on conflict do nothing`;

export const SETTLE = sql`
with held as (
  update pgboss.job j
  set state = i.state::pgboss.job_state, completed_on = pgboss.job_now(), output = i.output
  from ${INPUT}
  where ${HELD}
)
${insertRows({ state: 'i.state::pgboss.job_state', completedOn: 'pgboss.job_now()', output: 'i.output', where: ABSENT })}
on conflict do nothing`;

/** The lean settle of jobs that are surely there. */
export const SETTLE_HELD = sql`
update pgboss.job j
set state = i.state::pgboss.job_state, completed_on = pgboss.job_now(), output = i.output
from ${INPUT}
where ${HELD} and j.state = 'active'
returning j.id`;

/** Of those that have just failed. A row that was lost and is there again counts from 0. The copy keeps its id: the same job, in the queue `<name>-dead`, with where it came from and why. */
export const COPY_TO_DEAD_LETTER = sql`
insert into pgboss.job as copy
  (id, name, data, priority, keep_until, retry_limit, expire_seconds, deletion_seconds, policy, source_name, source_id, source_output)
select i.id, q.name, ${DATA}, coalesce(i.priority, 0), pgboss.job_now() + q.retention_seconds * interval '1 second',
  0, q.expire_seconds, q.deletion_seconds, q.policy, i.queue, i.id, i.output
from ${INPUT}
join pgboss.queue q on q.name = i.queue || '-dead'
join pgboss.job j on j.name = i.queue and j.id = i.id and j.state = 'failed' and (i.token is null or j.retry_count in (i.token, 0))
on conflict (name, id) do update set source_output = excluded.source_output`;

/**
 * One round trip claims from all queues. The lateral limit keeps each queue on pg-boss's fetch index (job_i11); rows
 * locked beyond the overall limit are free again when the statement's transaction ends.
 */
export const CLAIM = sql`
with due as materialized (
  select j.id, j.name, j.priority, j.created_on
  from unnest($1::text[], $2::integer[]) as wanted (name, most)
  cross join lateral (
    select id, name, priority, created_on
    from pgboss.job
    where name = wanted.name and state < 'active' and not blocked and start_after <= pgboss.job_now()
    order by priority desc, created_on
    limit wanted.most
    for update skip locked
  ) j
),
next as (select id, name from due order by priority desc, created_on limit $3),
claimed as (
  update pgboss.job j
  set state = 'active', started_on = pgboss.job_now(), retry_count = j.retry_count + 1, group_id = $4
  from next
  where j.name = next.name and j.id = next.id
  returning j.id, j.name as queue, j.retry_count::text as token, j.data, j.priority, j.created_on
)
select id, queue, token, data
from claimed
order by priority desc, created_on`;

export const HELD_BY = sql`
select id, name as queue, retry_count::text as token, data
from pgboss.job
where name = any($1::text[]) and state = 'active' and group_id = any($2::text[])
limit $3`;

export const REMOVE = sql`
delete from pgboss.job j
using ${INPUT}
where j.name = i.queue and j.id = i.id and j.state < 'active'
returning j.id`;

export const FORGET = sql`
delete from pgboss.job
where name = $1
  and id in (
    select id
    from pgboss.job
    where name = $1
      and state = any($2::pgboss.job_state[])
      and completed_on < $3
      and ($4::uuid[] is null or id = any($4))
    order by completed_on
    limit $5
  )
returning id`;

export const MISSING = sql`
select i.id
from ${INPUT}
left join pgboss.job j on j.name = i.queue and j.id = i.id
  and (j.state < 'active' or (j.state = 'active' and j.started_on > pgboss.job_now() - $2 * interval '1 millisecond'))
where j.id is null`;
