// From a job of the ledger to the run that it stands for.

import type { Queryable, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { SyncType } from './runs.ts';
import type { StreamKey } from './streams.ts';

/** A job as it says which run it stands for. By SQL a payload may hold anything, and name anybody's run. */
export interface RunJob {
  readonly kind: string;
  readonly userId: string | null;
  readonly payload: unknown;
}

/** An unsettled job of the kind that stands for a run. Null: no such job, or one of another kind. */
export async function findRunJob(db: Queryable, jobId: string): Promise<RunJob | null> {
  const { rows } = await db.query<RunJob>(
    sql`
    select kind, user_id as "userId", payload
    from job_ledger
    where id = $1
      and kind = 'sync.run'
      and state <> 'dead'`,
    [jobId],
  );
  return rows[0] ?? null;
}

export interface ReplayableRun extends StreamKey {
  readonly runId: string;
  readonly userId: string;
  readonly syncType: SyncType;
  /** Of a backfill. */
  readonly from: Date | null;
  readonly to: Date | null;
  /** Nothing more will happen in it. */
  readonly isSettled: boolean;
}

/** These runs by id, kept from being settled until the transaction ends. */
export async function lockRuns(tx: Tx, runIds: readonly string[]): Promise<ReadonlyMap<string, ReplayableRun>> {
  const { rows } = await tx.query<ReplayableRun>(
    sql`
    select id as "runId", user_id as "userId", integration_id as "integrationId", stream, sync_type as "syncType",
      backfill_from as "from", backfill_to as "to", completed_at is not null as "isSettled"
    from sync_logs
    where id = any ($1::uuid[])
    order by id
    for no key update`,
    [runIds],
  );
  return new Map(rows.map((run) => [run.runId, run]));
}
