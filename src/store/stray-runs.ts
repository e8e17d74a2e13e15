// Runs that fell out of step with their jobs. The ledger of jobs says what will happen; a run that waits for a job which
// does not exist would wait for ever and block its stream.

import type { PlatformId } from '../core/platforms.ts';
import { workClassOf, type WorkClass } from '../core/work-class.ts';
import type { Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { StreamKey } from './streams.ts';

/** What a job for a run needs to know. */
export interface RunToEnqueue extends StreamKey {
  readonly runId: string;
  readonly userId: string;
  readonly platformId: PlatformId;
  readonly workClass: WorkClass;
}

type Row = Omit<RunToEnqueue, 'workClass'> & { readonly class: number };

const COLUMNS = `r.id as "runId", r.user_id as "userId", r.integration_id as "integrationId", r.stream,
      i.platform_id as "platformId", r.class`;

function toRun({ class: rank, ...row }: Row): RunToEnqueue {
  return { ...row, workClass: workClassOf(rank) };
}

export interface Age {
  /** Younger runs are left alone: their transaction may just be committing. */
  readonly graceMs: number;
  readonly now: Date;
}

const BATCH = 500;

/** Before and after: a run that was created "in the future" (the clock was set back) counts as old. */
const IS_OLD = `(r.created_at < $1 or r.created_at > $2)`;

function bounds({ graceMs, now }: Age): readonly Date[] {
  return [new Date(now.getTime() - graceMs), new Date(now.getTime() + graceMs)];
}

// Planner trap: right after a burst the statistics of a ledger that was empty before still say "no rows", and any join of
// runs and jobs becomes a comparison of all with all. `is true` keeps these questions from becoming joins: the first is
// one look into `job_ledger_unique_key` per run, the second one hash of the few dead letters.
const HAS_LIVE_JOB = `(exists (
        select
        from job_ledger j
        where j.kind = 'sync.run'
          and j.unique_key = r.id::text
          and j.state <> 'dead'
      )) is true`;
const HAS_WAITING_JOB = `(exists (
        select
        from job_ledger j
        where j.kind = 'sync.run'
          and j.unique_key = r.id::text
          and j.state <> 'dead'
          and j.state <> 'active'
      )) is true`;
const HAS_DEAD_JOB = `(r.id::text in (
        select j.unique_key
        from job_ledger j
        where j.state = 'dead'
          and j.kind = 'sync.run'
          and j.unique_key is not null
      )) is true`;
const HAS_ACTIVE_SIBLING = `(exists (
        select
        from sync_logs a
        where a.integration_id = r.integration_id
          and a.stream = r.stream
          and (a.sync_type = 'backfill') = (r.sync_type = 'backfill')
          and a.status in ('queued', 'running', 'waiting')
      )) is true`;
const IS_HELD = `(exists (select from workers w where w.id = s.lease_worker and w.status = 'alive')) is true`;

/** Locks at most 500 runs with their streams, oldest first; those that somebody else works on are left for later. */
async function lockRuns(tx: Tx, condition: string, values: readonly unknown[]): Promise<readonly RunToEnqueue[]> {
  const { rows } = await tx.query<Row>(
    sql`
    select ${COLUMNS}
    from sync_logs r
    join integration_streams s on s.integration_id = r.integration_id and s.stream = r.stream
    join integrations i on i.id = r.integration_id
    where r.completed_at is null
      and ${condition}
    order by r.created_at
    limit ${String(BATCH)}
    for no key update of s, r skip locked`,
    values,
  );
  return rows.map(toRun);
}

async function requeue(tx: Tx, runs: readonly RunToEnqueue[]): Promise<readonly RunToEnqueue[]> {
  if (runs.length === 0) return runs;
  await tx.query(
    sql`
    update sync_logs
    set status = 'queued'
    where id = any ($1::uuid[])`,
    [runs.map(({ runId }) => runId)],
  );
  return runs;
}

/** Active runs without any job become `queued`; the caller enqueues one for each in the same transaction. */
export async function requeueJoblessRuns(tx: Tx, age: Age): Promise<readonly RunToEnqueue[]> {
  const jobless = `r.status in ('queued', 'running', 'waiting')
      and ${IS_OLD}
      and not (${HAS_LIVE_JOB})
      and not (${HAS_DEAD_JOB})`;
  return await requeue(tx, await lockRuns(tx, jobless, bounds(age)));
}

/** `running` runs whose job waits again and whose stream nobody alive holds: they wait, and say so. */
export async function requeueLeaselessRuns(tx: Tx, age: Age): Promise<number> {
  const leaseless = `r.status = 'running'
      and ${IS_OLD}
      and ${HAS_WAITING_JOB}
      and not (${IS_HELD})`;
  return (await requeue(tx, await lockRuns(tx, leaseless, bounds(age)))).length;
}

/** `pending` runs whose stream has no active run become `queued`; the caller enqueues them in the same transaction. */
export async function promoteStrandedRuns(tx: Tx): Promise<readonly RunToEnqueue[]> {
  return await requeue(tx, await lockRuns(tx, `r.status = 'pending' and not (${HAS_ACTIVE_SIBLING})`, []));
}

/** Active runs whose job is a dead letter fail with its error: they would block their stream for ever. */
export async function failRunsOfDeadJobs(tx: Tx, age: Age): Promise<number> {
  const abandoned = `r.status in ('queued', 'running', 'waiting')
      and ${IS_OLD}
      and ${HAS_DEAD_JOB}
      and not (${HAS_LIVE_JOB})`;
  const runs = await lockRuns(tx, abandoned, bounds(age));
  if (runs.length === 0) return 0;
  const ids = runs.map(({ runId }) => runId);
  await tx.query(
    sql`
    update sync_logs r
    set status = 'failed',
      completed_at = greatest($2::timestamptz, r.started_at),
      error_message = coalesce(d.last_error ->> 'message', 'the job went to the dead letter'),
      errors = case when d.last_error is null then r.errors else r.errors || d.last_error end
    from (
      select distinct on (unique_key) unique_key, last_error
      from job_ledger
      where state = 'dead'
        and kind = 'sync.run'
        and unique_key = any ($1::text[])
      order by unique_key, settled_at desc
    ) d
    where r.id = any ($3::uuid[])
      and r.id::text = d.unique_key`,
    [ids, age.now, ids],
  );
  return runs.length;
}
