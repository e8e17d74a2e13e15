// Reading pg-boss's own table: jobs by state, counted, listed and by id, in the form that every engine answers in.

import { sql } from '../../../src/db/sql.ts';
import { bareMeta, readMeta } from '../../engine-meta.ts';
import type { Queryable } from '../../../src/db/database.ts';
import { deadLetterOf, QUEUES } from '../../catalog.ts';
import type {
  EngineClaim,
  EngineMeta,
  EngineOutput,
  EngineRecord,
  EngineRef,
  EngineState,
  RecordFilter,
} from '../../driver.ts';

/** What we keep in pg-boss's column `data`. */
export interface StoredData {
  readonly kind?: string;
  readonly payload?: unknown;
  readonly _tm?: EngineMeta;
}

export type ClaimRow = EngineRef & { readonly token: string; readonly data: StoredData | null };

export function toClaim({ id, queue, token, data }: ClaimRow): EngineClaim {
  return { id, queue, token, kind: data?.kind ?? '', payload: data?.payload, meta: readMeta(data?._tm) };
}

/** Whether an end says nothing that its row does not say: the usual one of a job that no ledger knows. */
export function isImplied({ attempts, takeovers, result, error }: EngineOutput): boolean {
  return attempts === 1 && takeovers === 0 && result === undefined && error === undefined;
}

interface RecordRow {
  readonly id: string;
  readonly queue: string;
  readonly state: EngineState;
  readonly data: StoredData | null;
  readonly output: EngineOutput | null;
  readonly holder: string | null;
  readonly created_on: Date;
  readonly start_after: Date;
  readonly started_on: Date | null;
  readonly completed_on: Date | null;
}

function toRecord(row: RecordRow): EngineRecord {
  const { id, queue, state, data, output, holder, created_on, start_after, started_on, completed_on } = row;
  const isImpliedHere = state === 'active' || state === 'completed';
  const meta = readMeta(data?._tm) ?? bareMeta(created_on);
  return {
    id,
    queue,
    state,
    kind: data?.kind ?? 'unknown',
    payload: data?.payload,
    priority: meta.priority,
    meta,
    output: output ?? (isImpliedHere ? { attempts: 1, takeovers: 0, workerId: holder } : null),
    runAt: start_after,
    startedAt: started_on,
    finishedAt: completed_on,
  };
}

const STATE = sql`
  case
    when state < 'active' then case when start_after > pgboss.job_now() then 'delayed' else 'waiting' end
    else state::text
  end`;

const COUNTS = sql`
select ${STATE} as state, count(*)::integer as jobs
from pgboss.job
where name = $1
group by 1`;

const RECORD = sql`
select id, name as queue, ${STATE} as state, data, output, group_id as holder, created_on, start_after, started_on, completed_on
from pgboss.job`;

/** As the job itself says: rows of one batch lie a microsecond apart, whenever they were made. */
const CREATED = sql`coalesce((data->'_tm'->>'createdAt')::timestamptz, date_trunc('milliseconds', created_on))`;

const LIST = sql`${RECORD}
where name = any($1::text[])
  and ${STATE} = any($2::text[])
  and ($3::text is null or data->>'kind' = $3)
  and ($4::text is null or data->'_tm'->>'userId' = $4)
  and ($5::jsonb is null or data->'payload' @> $5)
  and ($7::timestamptz is null or (${CREATED}, id) < ($7, $8::uuid))
order by case when $7::timestamptz is null then created_on else ${CREATED} end desc, id desc
limit $6`;

/** All queue names beside the id, because pg-boss's key starts with the name; the job itself before its dead letter. */
const GET = sql`${RECORD}
where name = any($1::text[]) and id = $2
order by source_id is not null
limit 1`;

export async function countRecords(db: Queryable, queue: string): Promise<Readonly<Record<EngineState, number>>> {
  const { rows } = await db.query<{ state: EngineState; jobs: number }>(COUNTS, [queue]);
  const none = { waiting: 0, delayed: 0, active: 0, completed: 0, cancelled: 0, failed: 0 };
  return { ...none, ...Object.fromEntries(rows.map(({ state, jobs }) => [state, jobs])) };
}

/**
 * The first of each priority on pg-boss's fetch index, from priority to priority: its age is that of its creation, and a
 * look at every row that waits would be a look at all of a backlog.
 */
const OLDEST_DUE = sql`
with recursive firsts as (
  (
    select priority, start_after
    from pgboss.job
    where name = $1 and state < 'active' and not blocked and start_after <= pgboss.job_now()
    order by priority desc, created_on
    limit 1
  )
  union all
  select n.priority, n.start_after
  from firsts f
  cross join lateral (
    select priority, start_after
    from pgboss.job
    where name = $1 and state < 'active' and not blocked and start_after <= pgboss.job_now() and priority < f.priority
    order by priority desc, created_on
    limit 1
  ) n
)
select min(start_after) as since
from (select start_after from firsts limit 100) f`;

export async function oldestDue(db: Queryable, queue: string): Promise<Date | null> {
  const { rows } = await db.query<{ since: Date | null }>(OLDEST_DUE, [queue]);
  return rows[0]?.since ?? null;
}

export async function listRecords(db: Queryable, filter: RecordFilter): Promise<readonly EngineRecord[]> {
  const { queues, states, kind = null, userId = null, payload, after, limit } = filter;
  const values = [
    queues,
    states,
    kind,
    userId,
    payload === undefined ? null : JSON.stringify(payload),
    limit,
    after?.createdAt ?? null,
    after?.id ?? null,
  ];
  return (await db.query<RecordRow>(LIST, values)).rows.map(toRecord);
}

export async function getRecord(db: Queryable, id: string): Promise<EngineRecord | null> {
  const names = [...QUEUES, ...QUEUES.map(deadLetterOf)];
  const { rows } = await db.query<RecordRow>(GET, [names, id]);
  return rows[0] === undefined ? null : toRecord(rows[0]);
}
