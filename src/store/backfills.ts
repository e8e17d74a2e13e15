// Backfills: runs over a window of the past, beside the usual passes of their stream. Each has its window and its own
// position. A trigger folds into one that has not begun where the windows meet; otherwise one waits behind the other.

import { workClassRank, type WorkClass } from '../core/work-class.ts';
import type { Queryable, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { RunTrigger } from './runs.ts';
import type { StreamKey } from './streams.ts';

export interface Window {
  /** Inclusive. */
  readonly from: Date;
  /** Exclusive; null: up to the instant at which the run begins. */
  readonly to: Date | null;
}

export interface NewBackfill extends StreamKey, Window {
  readonly id: string;
  readonly userId: string;
  readonly trigger: RunTrigger;
  readonly workClass: WorkClass;
  readonly batchId: string | null;
}

/** False: the stream has a backfill in this place already. Lock the stream first. */
export async function insertBackfill(
  tx: Tx,
  { id, userId, integrationId, stream, trigger, workClass, batchId, from, to }: NewBackfill,
  { status, now }: { readonly status: 'queued' | 'pending'; readonly now: Date },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    sql`
    insert into sync_logs (id, user_id, integration_id, stream, sync_type, trigger, class, batch_id, backfill_from,
      backfill_to, status, created_at)
    values ($1, $2, $3, $4, 'backfill', $5, $6, $7, $8, $9, $10, $11)
    on conflict do nothing`,
    [id, userId, integrationId, stream, trigger, workClassRank(workClass), batchId, from, to, status, now],
  );
  return rowCount === 1;
}

/** Widens a backfill that has not begun to `window` as well, where the two meet; its id, or null. */
export async function joinBackfill(
  tx: Tx,
  { integrationId, stream }: StreamKey,
  { from, to }: Window,
): Promise<string | null> {
  const { rows } = await tx.query<{ id: string }>(
    sql`
    update sync_logs
    set backfill_from = least(backfill_from, $3),
      backfill_to = case when backfill_to is null or $4::timestamptz is null then null else greatest(backfill_to, $4) end
    where id = (
      select id
      from sync_logs
      where integration_id = $1
        and stream = $2
        and sync_type = 'backfill'
        and status in ('queued', 'pending')
        and started_at is null
        and (backfill_to is null or backfill_to >= $3)
        and ($4::timestamptz is null or backfill_from <= $4)
      order by status desc
      limit 1
    )
    returning id`,
    [integrationId, stream, from, to],
  );
  return rows[0]?.id ?? null;
}

/** Where a backfill goes on; null: at the start of its window. */
export async function saveBackfillPosition(tx: Queryable, runId: string, position: object | null): Promise<void> {
  await tx.query(
    sql`
    update sync_logs
    set backfill_position = $2
    where id = $1
      and sync_type = 'backfill'`,
    [runId, position === null ? null : JSON.stringify(position)],
  );
}
