// Runs (`sync_logs`) as people see them: one by id, lists newest first.

import type { ErrorReport } from '../core/errors.ts';
import type { Json } from '../core/canonical-json.ts';
import { workClassOf, type WorkClass } from '../core/work-class.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { RunStatus, RunTrigger, SyncType } from './runs.ts';
import type { StreamKey } from './streams.ts';

export interface Run extends StreamKey {
  readonly id: string;
  readonly userId: string;
  readonly syncType: SyncType;
  /** Of a backfill; to null: up to the instant at which it begins. */
  readonly window: { readonly from: Date; readonly to: Date | null } | null;
  readonly trigger: RunTrigger;
  readonly workClass: WorkClass;
  readonly batchId: string | null;
  readonly status: RunStatus;
  readonly recordsRequested: number;
  readonly recordsSynced: number;
  readonly recordsChanged: number;
  readonly recordsFailed: number;
  readonly recordsDuplicate: number;
  readonly requests: number;
  readonly pages: number;
  readonly slices: number;
  readonly progress: Json;
  readonly errors: readonly ErrorReport[];
  readonly errorMessage: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  readonly durationSeconds: number | null;
}

interface RunRow extends Omit<Run, 'workClass' | 'window'> {
  readonly class: number;
  readonly from: Date | null;
  readonly to: Date | null;
}

const VIEW = `id, user_id as "userId", integration_id as "integrationId", stream, sync_type as "syncType", trigger, class,
      backfill_from as "from", backfill_to as "to", batch_id as "batchId", status, records_requested as "recordsRequested", records_synced as "recordsSynced",
      records_changed as "recordsChanged", records_failed as "recordsFailed", records_duplicate as "recordsDuplicate",
      requests, pages, slices, progress, errors, error_message as "errorMessage", created_at as "createdAt",
      started_at as "startedAt", completed_at as "completedAt", duration_seconds::double precision as "durationSeconds"`;

function toRun({ class: rank, from, to, ...row }: RunRow): Run {
  return { ...row, workClass: workClassOf(rank), window: from === null ? null : { from, to } };
}

export async function findRun(db: Queryable, id: string): Promise<Run | null> {
  const { rows } = await db.query<RunRow>(
    sql`
    select ${VIEW}
    from sync_logs
    where id = $1`,
    [id],
  );
  return rows[0] === undefined ? null : toRun(rows[0]);
}

/** In no order; at most 1,000 ids. */
export async function listRunsById(db: Queryable, ids: readonly string[]): Promise<readonly Run[]> {
  const { rows } = await db.query<RunRow>(
    sql`
    select ${VIEW}
    from sync_logs
    where id = any($1::uuid[])`,
    [ids],
  );
  return rows.map(toRun);
}

export interface RunFilter {
  readonly userId?: string;
  readonly integrationId?: string;
  readonly stream?: string;
  readonly batchId?: string;
  readonly statuses?: readonly RunStatus[];
  /** Only runs with an error, whatever became of them. */
  readonly onlyErrors?: true;
  /** The last run of the page before. */
  readonly after?: { readonly createdAt: Date; readonly id: string };
  /** At most 1,000; default 50. */
  readonly limit?: number;
}

/** Newest first. */
export async function listRuns(db: Queryable, filter: RunFilter = {}): Promise<readonly Run[]> {
  const { rows } = await db.query<RunRow>(
    sql`
    select ${VIEW}
    from sync_logs
    where ($1::uuid is null or user_id = $1)
      and ($2::uuid is null or integration_id = $2)
      and ($3::text is null or stream = $3)
      and ($4::uuid is null or batch_id = $4)
      and ($5::text[] is null or status = any ($5))
      and (not $6 or errors <> '[]' or error_message is not null)
      and ($7::timestamptz is null or (created_at, id) < ($7, $9::uuid))
    order by created_at desc, id desc
    limit $8`,
    [
      filter.userId ?? null,
      filter.integrationId ?? null,
      filter.stream ?? null,
      filter.batchId ?? null,
      filter.statuses ?? null,
      filter.onlyErrors ?? false,
      filter.after?.createdAt ?? null,
      Math.min(filter.limit ?? 50, 1_000),
      filter.after?.id ?? null,
    ],
  );
  return rows.map(toRun);
}
