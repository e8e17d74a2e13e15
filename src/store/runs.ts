// Runs (`sync_logs`) from the outside: created by schedulers and triggers, listed, cancelled. What happens to a run
// while it is worked on is the sync runner's (`run-progress.ts`); what is put right afterwards, `stray-runs.ts`.
//
//   pending ──the active run ended──► queued ──► running ⇄ waiting ──► success | partial | failed
//      └──────────────┴── cancel ──► cancelled ◄─────────────┘
//
// A stream has one active and one pending run of the usual kind, and the same again for backfills (`backfills.ts`).

import { workClassRank, type WorkClass } from '../core/work-class.ts';
import type { Queryable, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { StreamKey } from './streams.ts';

export type RunStatus = 'pending' | 'queued' | 'running' | 'waiting' | 'success' | 'partial' | 'failed' | 'cancelled';
export type SyncType = 'full' | 'incremental' | 'backfill';
/** Of the usual passes, which share the stream's position. */
export type PassType = Exclude<SyncType, 'backfill'>;
export type RunTrigger = 'schedule' | 'manual' | 'api' | 'webhook' | 'catch_up';

export interface NewRun extends StreamKey {
  readonly id: string;
  readonly userId: string;
  readonly syncType: PassType;
  readonly trigger: RunTrigger;
  readonly workClass: WorkClass;
  readonly batchId: string | null;
}

function columnsOf(runs: readonly NewRun[], now: Date): readonly unknown[] {
  return [
    runs.map((run) => run.id),
    runs.map((run) => run.userId),
    runs.map((run) => run.integrationId),
    runs.map((run) => run.stream),
    runs.map((run) => run.syncType),
    runs.map((run) => run.trigger),
    runs.map((run) => workClassRank(run.workClass)),
    runs.map((run) => run.batchId),
    now,
  ];
}

const NEW_RUNS = `unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::smallint[], $8::uuid[])
      as n (id, user_id, integration_id, stream, sync_type, trigger, class, batch_id)`;
const RUN_COLUMNS = 'id, user_id, integration_id, stream, sync_type, trigger, class, batch_id, status, created_at';
const RUN_VALUES = 'n.id, n.user_id, n.integration_id, n.stream, n.sync_type, n.trigger, n.class, n.batch_id';

/** Inserts as `queued` those whose stream has no active run; ids of the inserted ones. Lock the streams first. */
export async function insertQueuedRuns(tx: Tx, runs: readonly NewRun[], now: Date): Promise<ReadonlySet<string>> {
  if (runs.length === 0) return new Set();
  const { rows } = await tx.query<{ id: string }>(
    sql`
    insert into sync_logs (${RUN_COLUMNS})
    select ${RUN_VALUES}, 'queued', $9
    from ${NEW_RUNS}
    on conflict (integration_id, stream, (sync_type = 'backfill')) where status in ('queued', 'running', 'waiting') do nothing
    returning id`,
    columnsOf(runs, now),
  );
  return new Set(rows.map(({ id }) => id));
}

/**
 * Inserts as `pending` those whose stream has a run under way and nothing pending; a run that only waits in the queue
 * will see everything anyway. Ids of the inserted ones.
 */
export async function insertPendingRuns(tx: Tx, runs: readonly NewRun[], now: Date): Promise<ReadonlySet<string>> {
  if (runs.length === 0) return new Set();
  const { rows } = await tx.query<{ id: string }>(
    sql`
    insert into sync_logs (${RUN_COLUMNS})
    select ${RUN_VALUES}, 'pending', $9
    from ${NEW_RUNS}
    where (exists (
        select
        from sync_logs a
        where a.integration_id = n.integration_id
          and a.stream = n.stream
          and a.status = 'queued'
          and a.sync_type <> 'backfill'
      )) is not true
    on conflict (integration_id, stream, (sync_type = 'backfill')) where status = 'pending' do nothing
    returning id`,
    columnsOf(runs, now),
  );
  return new Set(rows.map(({ id }) => id));
}

/** The run into which a trigger folds: the queued one, otherwise the pending one. Urgency and thoroughness only grow. */
export async function joinUnstartedRun(
  tx: Tx,
  { integrationId, stream }: StreamKey,
  { syncType, workClass }: Pick<NewRun, 'syncType' | 'workClass'>,
): Promise<string | null> {
  const { rows } = await tx.query<{ id: string }>(
    sql`
    with joined as (
      update sync_logs
      set class = least(class, $3), sync_type = case when $4 = 'full' then 'full' else sync_type end
      where id = (
        select id
        from sync_logs
        where integration_id = $1
          and stream = $2
          and status in ('queued', 'pending')
          and sync_type <> 'backfill'
        order by status desc
        limit 1
      )
      returning id
    ),
    raised as (
      -- Its job overtakes as well, also where it is still waiting for admission.
      update job_ledger
      set class = $3
      where kind = 'sync.run'
        and unique_key = (select id::text from joined)
        and state <> 'dead'
        and state <> 'active'
        and class > $3
    )
    select id
    from joined`,
    [integrationId, stream, workClassRank(workClass), syncType],
  );
  return rows[0]?.id ?? null;
}

/** The unsettled job of a run: whoever cancels a running run cancels this job. Null: none. */
export async function findJobOfRun(db: Queryable, runId: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    sql`
    select id
    from job_ledger
    where kind = 'sync.run'
      and unique_key = $1
      and state <> 'dead'`,
    [runId],
  );
  return rows[0]?.id ?? null;
}

export interface RunOfUser {
  readonly runId: string;
  /** Null is nobody: no run is his. */
  readonly userId: string | null;
}

/** Ends a run that nobody works on. False: not this user's, running (cancel its job instead), or ended before. */
export async function cancelRun(db: Queryable, { runId, userId }: RunOfUser, now: Date): Promise<boolean> {
  const { rowCount } = await db.query(
    sql`
    update sync_logs
    set status = 'cancelled', completed_at = $2
    where id = $1
      and user_id = $3
      and status in ('pending', 'queued', 'waiting')`,
    [runId, now, userId],
  );
  return rowCount === 1;
}
