// Statements on pg-boss's own table, for what pg-boss has no verb for: one statement for jobs of many queues, putting back
// without spending a retry, claims across queues, history by state. Written against pg-boss 12.35 (schema pinned by the
// lockfile, checked at start). Every settle is fenced by the attempt (`retry_count`), which each claim raises.

import { sql } from '../../../src/db/sql.ts';

/** Rows of a batch: one jsonb array, so that every verb takes one parameter whatever the number of jobs. */
const INPUT = sql`
  rows from (jsonb_to_recordset($1::jsonb) as (
    id uuid, queue text, kind text, payload jsonb, priority integer, meta jsonb, token integer,
    run_at timestamptz, state text, output jsonb
  )) with ordinality as i (id, queue, kind, payload, priority, meta, token, run_at, state, output, ord)`;

const DATA = sql`jsonb_build_object('kind', i.kind, 'payload', i.payload, '_tm', i.meta)`;

interface NewRow {
  readonly state: string;
  readonly startAfter?: string;
  readonly completedOn?: string;
  readonly output?: string;
  /** Condition under which a batch row becomes a table row. */
  readonly where: string;
}

/** Rows of a batch lie a microsecond apart: the order of a batch is the order of fairness. Engine retries are off. */
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
   retry_limit, retry_delay, expire_seconds, deletion_seconds, policy)
select i.id, q.name, ${DATA}, coalesce(i.priority, 0), ${state}, ${startAfter},
  pgboss.job_now() + i.ord * interval '1 microsecond', ${completedOn}::timestamptz,
  ${startAfter} + q.retention_seconds * interval '1 second', ${output}::jsonb,
  0, 0, q.expire_seconds, q.deletion_seconds, q.policy
from ${INPUT}
join pgboss.queue q on q.name = i.queue
where ${where}`;
}

const ABSENT = sql`not exists (select from pgboss.job h where h.name = i.queue and h.id = i.id)`;
const HELD = sql`j.name = i.queue and j.id = i.id and (i.token is null or j.retry_count = i.token)`;
const QUEUED = sql`'created'::pgboss.job_state`;

export const ADD = sql`${insertRows({ state: QUEUED, where: 'true' })}
on conflict (name, id) do update
set state = 'created', completed_on = null, output = null, start_after = excluded.start_after,
    created_on = excluded.created_on, keep_until = excluded.keep_until
where j.state > 'active'`;

/** Also when pg-boss has meanwhile failed the row as expired: the ledger decides who works, the attempt is the fence. */
export const PUT_BACK = sql`
with held as (
  update pgboss.job j
  set state = 'created', completed_on = null, output = null, start_after = i.run_at,
      keep_until = greatest(j.keep_until, i.run_at + interval '10 years')
  from ${INPUT}
  where ${HELD}
)
${insertRows({ state: QUEUED, startAfter: 'i.run_at', where: ABSENT })}
on conflict (name, id) do nothing`;

export const SETTLE = sql`
with held as (
  update pgboss.job j
  set state = i.state::pgboss.job_state, completed_on = pgboss.job_now(), output = i.output
  from ${INPUT}
  where ${HELD}
)
${insertRows({ state: 'i.state::pgboss.job_state', completedOn: 'pgboss.job_now()', output: 'i.output', where: ABSENT })}
on conflict (name, id) do nothing`;

/** The copy keeps its id: the same job, in the queue `<name>-dead`, with where it came from and why. */
export const COPY_TO_DEAD_LETTER = sql`
insert into pgboss.job as j
  (id, name, data, priority, keep_until, retry_limit, expire_seconds, deletion_seconds, policy, source_name, source_id, source_output)
select i.id, q.name, ${DATA}, coalesce(i.priority, 0), pgboss.job_now() + q.retention_seconds * interval '1 second',
  0, q.expire_seconds, q.deletion_seconds, q.policy, i.queue, i.id, i.output
from ${INPUT}
join pgboss.queue q on q.name = i.queue || '-dead'
on conflict (name, id) do update set source_output = excluded.source_output`;

/**
 * One round trip claims from all queues. The lateral limit keeps each queue on pg-boss's fetch index (job_i11); rows
 * locked beyond the overall limit are free again when the statement's transaction ends.
 */
export const CLAIM = sql`
with due as materialized (
  select j.id, j.name, j.priority, j.created_on
  from unnest($1::text[]) as wanted (name)
  cross join lateral (
    select id, name, priority, created_on
    from pgboss.job
    where name = wanted.name and state < 'active' and not blocked and start_after <= pgboss.job_now()
    order by priority desc, created_on
    limit $2
    for update skip locked
  ) j
),
next as (select id, name from due order by priority desc, created_on limit $2),
claimed as (
  update pgboss.job j
  set state = 'active', started_on = pgboss.job_now(), retry_count = j.retry_count + 1
  from next
  where j.name = next.name and j.id = next.id
  returning j.id, j.name as queue, j.retry_count::text as token, j.data, j.priority, j.created_on
)
select id, queue, token, data
from claimed
order by priority desc, created_on`;

export const REMOVE = sql`
delete from pgboss.job j
using ${INPUT}
where j.name = i.queue and j.id = i.id and j.state < 'active'
returning j.id`;

export const MISSING = sql`
select i.id
from ${INPUT}
left join pgboss.job j on j.name = i.queue and j.id = i.id and j.state <= 'active'
where j.id is null`;

export const COUNTS = sql`
select
  count(*) filter (where state = 'completed')::integer as completed,
  count(*) filter (where state = 'cancelled')::integer as cancelled,
  count(*) filter (where state = 'failed')::integer as failed
from pgboss.job
where name = $1 and state > 'active'`;

const RECORD = sql`
select id, name as queue, state::text as state, data, output, created_on, started_on, completed_on
from pgboss.job`;

export const LIST = sql`${RECORD}
where ($1::text[] is null or name = any($1))
  and state = any($2::pgboss.job_state[])
  and ($3::text is null or data->>'kind' = $3)
  and ($4::text is null or data->'_tm'->>'userId' = $4)
order by created_on desc, id desc
limit $5`;

/** All queue names beside the id, because pg-boss's key starts with the name. */
export const GET = sql`${RECORD}
where name = any($1::text[]) and id = $2 and state > 'active'`;
