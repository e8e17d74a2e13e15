// From a job of the ledger to the run that it stands for.

import type { Queryable, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { SyncType } from './runs.ts';
import type { StreamKey } from './streams.ts';

/** The run that an unsettled job stands for. Null: no such job, or one of another kind. */
export async function findRunOfJob(db: Queryable, jobId: string): Promise<string | null> {
  const { rows } = await db.query<{ runId: string | null }>(
    sql`
    select payload ->> 'runId' as "runId"
    from job_ledger
    where id = $1
      and kind = 'sync.run'
      and state <> 'dead'`,
    [jobId],
  );
  return rows[0]?.runId ?? null;
}

export interface ReplayableRun extends StreamKey {
  readonly runId: string;
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
    select id as "runId", integration_id as "integrationId", stream, sync_type as "syncType",
      backfill_from as "from", backfill_to as "to", completed_at is not null as "isSettled"
    from sync_logs
    where id = any ($1::uuid[])
    order by id
    for no key update`,
    [runIds],
  );
  return new Map(rows.map((run) => [run.runId, run]));
}
