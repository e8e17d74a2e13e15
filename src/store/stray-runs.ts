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

/** Before and after: a run that was created "in the future" (the clock was set back) counts as old. */
const IS_OLD = `(r.created_at < $1 or r.created_at > $2)`;
const BATCH = 500;

// Two planner traps, both of thousands of runs against a ledger whose statistics are minutes old. The live job is looked
// up with the very condition of the index `job_ledger_unique_key`; and "in dead letters" is kept from becoming a join by
// `is true`, so that it stays one hash of the few dead rows.
const HAS_LIVE_JOB = `exists (
            select
            from job_ledger j
            where j.kind = 'sync.run'
              and j.unique_key = r.id::text
              and j.state <> 'dead'
          )`;
const HAS_DEAD_JOB = `(r.id::text in (
            select j.unique_key
            from job_ledger j
            where j.state = 'dead'
              and j.kind = 'sync.run'
              and j.unique_key is not null
          )) is true`;

export interface Age {
  /** Younger runs are left alone: their transaction may just be committing. */
  readonly graceMs: number;
  readonly now: Date;
}

function bounds({ graceMs, now }: Age): readonly Date[] {
  return [new Date(now.getTime() - graceMs), new Date(now.getTime() + graceMs)];
}

/** Active runs without any job become `queued`; the caller enqueues one for each in the same transaction. */
export async function requeueJoblessRuns(tx: Tx, age: Age): Promise<readonly RunToEnqueue[]> {
  const { rows } = await tx.query<Row>(
    sql`
    update sync_logs r
    set status = 'queued'
    from integrations i
    where i.id = r.integration_id
      and r.id in (
        select r.id
        from sync_logs r
        join integration_streams s on s.integration_id = r.integration_id and s.stream = r.stream
        where r.completed_at is null
          and r.status in ('queued', 'running', 'waiting')
          and ${IS_OLD}
          and not ${HAS_LIVE_JOB}
          and not (${HAS_DEAD_JOB})
        order by r.created_at
        limit ${String(BATCH)}
        for no key update of s, r skip locked
      )
    returning ${COLUMNS}`,
    bounds(age),
  );
  return rows.map(toRun);
}

/** `running` runs whose job waits again and whose stream nobody alive holds: they wait, and say so. */
export async function requeueLeaselessRuns(tx: Tx, age: Age): Promise<number> {
  const { rowCount } = await tx.query(
    sql`
    update sync_logs
    set status = 'queued'
    where id in (
      select r.id
      from sync_logs r
      join integration_streams s on s.integration_id = r.integration_id and s.stream = r.stream
      join job_ledger j on j.kind = 'sync.run' and j.unique_key = r.id::text and j.state <> 'dead'
      where r.completed_at is null
        and r.status = 'running'
        and j.state in ('pending', 'admitted')
        and ${IS_OLD}
        and not exists (select from workers w where w.id = s.lease_worker and w.status = 'alive')
      limit ${String(BATCH)}
      for no key update of s, r skip locked
    )`,
    bounds(age),
  );
  return rowCount ?? 0;
}

/** Active runs whose job is a dead letter fail with its error: they would block their stream for ever. */
export async function failRunsOfDeadJobs(tx: Tx, age: Age): Promise<number> {
  const { rowCount } = await tx.query(
    sql`
    update sync_logs r
    set status = 'failed',
      completed_at = greatest($3::timestamptz, r.started_at),
      error_message = coalesce(d.last_error ->> 'message', 'the job went to the dead letter'),
      errors = case when d.last_error is null then r.errors else r.errors || d.last_error end
    from (
      select r.id, (
        select j.last_error
        from job_ledger j
        where j.state = 'dead'
          and j.kind = 'sync.run'
          and j.unique_key = r.id::text
        order by j.settled_at desc
        limit 1
      ) as last_error
      from sync_logs r
      join integration_streams s on s.integration_id = r.integration_id and s.stream = r.stream
      where r.completed_at is null
        and r.status in ('queued', 'running', 'waiting')
        and ${IS_OLD}
        and ${HAS_DEAD_JOB}
        and not ${HAS_LIVE_JOB}
      limit ${String(BATCH)}
      for no key update of s, r skip locked
    ) d
    where r.id = d.id`,
    [...bounds(age), age.now],
  );
  return rowCount ?? 0;
}

/** `pending` runs whose stream has no active run become `queued`; the caller enqueues them in the same transaction. */
export async function promoteStrandedRuns(tx: Tx): Promise<readonly RunToEnqueue[]> {
  const { rows } = await tx.query<Row>(
    sql`
    update sync_logs r
    set status = 'queued'
    from integrations i
    where i.id = r.integration_id
      and r.id in (
        select r.id
        from sync_logs r
        join integration_streams s on s.integration_id = r.integration_id and s.stream = r.stream
        where r.completed_at is null
          and r.status = 'pending'
          and not exists (
            select
            from sync_logs a
            where a.integration_id = r.integration_id
              and a.stream = r.stream
              and a.status in ('queued', 'running', 'waiting')
          )
        order by r.created_at
        limit ${String(BATCH)}
        for no key update of s, r skip locked
      )
    returning ${COLUMNS}`,
  );
  return rows.map(toRun);
}
