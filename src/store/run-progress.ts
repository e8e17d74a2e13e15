// A run (`sync_logs`) from its start to its end, as the worker writes it. Counters of a page are written in the page's
// own transaction.
//
//   queued ──start──► running ──► success | partial | failed | cancelled
//                        └──► waiting ──start──► running

import type { ErrorReport } from '../core/errors.ts';
import { storableJson } from '../core/storable.ts';
import { workClassOf, type WorkClass } from '../core/work-class.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export type RunEnd = 'success' | 'partial' | 'failed' | 'cancelled';

/** What a backfill is to read, and how far it is. */
export interface Backfill {
  readonly from: Date;
  /** Null: up to the instant at which it begins. */
  readonly to: Date | null;
  /** `src/sync/checkpoint.ts` knows its form; null at the start. */
  readonly position: unknown;
}

/** A run with what its stream, integration and user say about it. */
export interface RunView {
  readonly runId: string;
  readonly userId: string;
  readonly timezone: string;
  readonly integrationId: string;
  readonly platformId: string;
  readonly settings: unknown;
  readonly stream: string;
  readonly requested: 'full' | 'incremental' | 'backfill';
  /** Of a backfill. */
  readonly backfill: Backfill | null;
  readonly trigger: 'schedule' | 'manual' | 'api' | 'webhook' | 'catch_up';
  readonly status: string;
  readonly streamStatus: 'active' | 'parked' | 'gone';
  readonly integrationStatus: 'pending' | 'connected' | 'error' | 'disconnected';
  /** The integration is, or its user is not active. */
  readonly isPaused: boolean;
}

type RunRow = Omit<RunView, 'backfill'> & Omit<Backfill, 'from'> & { readonly from: Date | null };

/** Null when the lease's user has no such run. */
export async function loadRun(tx: Queryable, runId: string): Promise<RunView | null> {
  const { rows } = await tx.query<RunRow>(
    sql`
    select r.id as "runId", r.user_id as "userId", u.timezone, r.integration_id as "integrationId",
      i.platform_id as "platformId", i.settings, r.stream, r.sync_type as requested, r.trigger, r.status,
      s.status as "streamStatus", i.status as "integrationStatus", i.paused_at is not null or not u.is_active as "isPaused",
      r.backfill_from as "from", r.backfill_to as "to", r.backfill_position as position
    from sync_logs r
    join users u on u.id = r.user_id
    join integrations i on i.id = r.integration_id
    join integration_streams s on s.integration_id = r.integration_id and s.stream = r.stream
    where r.id = $1`,
    [runId],
  );
  if (rows[0] === undefined) return null;
  const { from, to, position, ...run } = rows[0];
  return { ...run, backfill: from === null ? null : { from, to, position } };
}

/** Puts the run to `running` and counts the slice. False: it is settled. */
export async function startRun(
  tx: Queryable,
  runId: string,
  { syncType, now }: { readonly syncType: string; readonly now: Date },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    sql`
    update sync_logs
    set status = 'running', sync_type = $2, started_at = coalesce(started_at, $3), slices = slices + 1
    where id = $1
      and status in ('queued', 'running', 'waiting')`,
    [runId, syncType, now],
  );
  return rowCount === 1;
}

/** What one page adds to its run. */
export interface PageCounts {
  readonly synced: number;
  readonly changed: number;
  readonly failed: number;
  readonly duplicates: number;
  readonly requests: number;
  readonly cleanedTexts: number;
  readonly progress: unknown;
  readonly problems: readonly ErrorReport[];
}

/** Adds a page's counts; false when the run is no longer running (cancelled meanwhile). */
export async function countPage(tx: Queryable, runId: string, counts: PageCounts, now: Date): Promise<boolean> {
  const { rowCount } = await tx.query(
    sql`
    update sync_logs
    set pages = pages + 1,
      records_synced = records_synced + $2,
      records_changed = records_changed + $3,
      records_failed = records_failed + $4,
      records_duplicate = records_duplicate + $5,
      requests = requests + $6,
      progress = coalesce($7::jsonb, progress),
      errors = case when $8 = '[]'::jsonb then errors else jsonb_path_query_array(errors || $8, '$[0 to 49]') end,
      metadata = metadata || jsonb_strip_nulls(jsonb_build_object(
        'problems', nullif(coalesce((metadata ->> 'problems')::integer, 0) + jsonb_array_length($8), 0),
        'cleaned_texts', nullif(coalesce((metadata ->> 'cleaned_texts')::integer, 0) + $9::integer, 0)
      ))
    where id = $1
      and status = 'running'`,
    [
      runId,
      counts.synced,
      counts.changed,
      counts.failed,
      counts.duplicates,
      counts.requests,
      counts.progress === undefined ? null : JSON.stringify(counts.progress),
      errorsJson(counts.problems, now),
      counts.cleanedTexts,
    ],
  );
  return rowCount === 1;
}

function errorsJson(errors: readonly ErrorReport[], now: Date): string {
  return storableJson(errors.map((error) => ({ at: now.toISOString(), ...error }))) ?? '[]';
}

export interface RunPause {
  readonly requests: number;
  readonly error: ErrorReport | null;
  readonly now: Date;
}

/** The run waits for its next slice or attempt; the error, when there is one, joins the first 49 that are kept. */
export async function pauseRun(tx: Queryable, runId: string, { requests, error, now }: RunPause): Promise<void> {
  await tx.query(
    sql`
    update sync_logs
    set status = 'waiting',
      requests = requests + $2,
      errors = case when $3 = '[]'::jsonb then errors else jsonb_path_query_array(errors, '$[0 to 48]') || $3 end,
      error_message = $4
    where id = $1
      and status in ('queued', 'running', 'waiting')`,
    [runId, requests, errorsJson(error === null ? [] : [error], now), error?.message ?? null],
  );
}

export interface RunFinish extends RunPause {
  /** `success` becomes `partial` when a record failed or the platform complained. */
  readonly status: Exclude<RunEnd, 'partial'>;
}

export interface FinishedRun {
  readonly status: RunEnd;
  /** Null when the run never started. */
  readonly durationSeconds: number | null;
}

/** Ends the run; null when it had ended before. */
export async function finishRun(
  tx: Queryable,
  runId: string,
  { status, requests, error, now }: RunFinish,
): Promise<FinishedRun | null> {
  const { rows } = await tx.query<FinishedRun>(
    sql`
    update sync_logs
    set status = case
        when $2 = 'success' and (records_failed > 0 or coalesce((metadata ->> 'problems')::integer, 0) > 0) then 'partial'
        else $2
      end,
      requests = requests + $3,
      errors = case when $4 = '[]'::jsonb then errors else jsonb_path_query_array(errors, '$[0 to 48]') || $4 end,
      error_message = $5,
      completed_at = greatest($6, started_at)
    where id = $1
      and status in ('queued', 'running', 'waiting')
    returning status, duration_seconds::float8 as "durationSeconds"`,
    [runId, status, requests, errorsJson(error === null ? [] : [error], now), error?.message ?? null, now],
  );
  return rows[0] ?? null;
}

export interface FollowingRun {
  readonly runId: string;
  readonly workClass: WorkClass;
}

/** The pending run behind this one becomes queued; its job must be enqueued in the same transaction. */
export async function promotePendingRun(
  tx: Queryable,
  { integrationId, stream, backfill }: Pick<RunView, 'integrationId' | 'stream' | 'backfill'>,
): Promise<FollowingRun | null> {
  const { rows } = await tx.query<{ id: string; class: number }>(
    sql`
    update sync_logs
    set status = 'queued'
    where integration_id = $1
      and stream = $2
      and (sync_type = 'backfill') = $3
      and status = 'pending'
    returning id, class`,
    [integrationId, stream, backfill !== null],
  );
  const row = rows[0];
  return row === undefined ? null : { runId: row.id, workClass: workClassOf(row.class) };
}

/** The stream was parked: runs that wait for their turn would only fail the same way. */
export async function cancelPendingRuns(
  tx: Queryable,
  integrationId: string,
  stream: string,
  now: Date,
): Promise<void> {
  await tx.query(
    sql`
    update sync_logs
    set status = 'cancelled', completed_at = $3, error_message = 'the stream was parked'
    where integration_id = $1
      and stream = $2
      and status = 'pending'`,
    [integrationId, stream, now],
  );
}

/** True when somebody asked for this job to be cancelled. */
export async function isCancelRequested(tx: Queryable, jobId: string): Promise<boolean> {
  const { rows } = await tx.query<{ cancelled: boolean }>(
    sql`
    select cancel_requested_at is not null as cancelled
    from job_ledger
    where id = $1`,
    [jobId],
  );
  return rows[0]?.cancelled ?? false;
}
