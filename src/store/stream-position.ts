// How far a stream is stored. A position moves only under the current fence and against the version it replaces, so that
// neither a worker that lost the stream nor a second writer can move it.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { SyncType } from './runs.ts';
import type { StreamLease } from './stream-leases.ts';

export interface Advance {
  /** The new stored cursor; undefined leaves it as it is. */
  readonly cursor: unknown;
  readonly expectedVersion: bigint;
  /** Range of the source's time that is complete with this page. */
  readonly covered: { readonly from: Date; readonly to: Date } | undefined;
  readonly now: Date;
}

export type AdvanceResult =
  | { readonly kind: 'advanced'; readonly version: bigint }
  | { readonly kind: 'lease_lost' }
  | { readonly kind: 'version_conflict'; readonly found: bigint };

/** Locks the stream's row for the rest of the transaction and moves its position. Must be the page's first statement. */
export async function advanceStream(tx: Queryable, lease: StreamLease, advance: Advance): Promise<AdvanceResult> {
  const { cursor, expectedVersion, covered, now } = advance;
  const { rows } = await tx.query<{ cursor_version: string }>(
    sql`
    update integration_streams
    set cursor = coalesce($6::jsonb, cursor),
      cursor_version = cursor_version + case when $6::jsonb is null then 0 else 1 end,
      coverage = case
        when $7::timestamptz is null then coverage
        else coverage + tstzmultirange(tstzrange($7, $8))
      end,
      updated_at = $9
    where integration_id = $1
      and stream = $2
      and fence = $3
      and lease_token = $4
      and cursor_version = $5
    returning cursor_version`,
    [
      lease.integrationId,
      lease.stream,
      lease.fence,
      lease.token,
      expectedVersion,
      cursor === undefined ? null : JSON.stringify(cursor),
      covered?.from ?? null,
      covered?.to ?? null,
      now,
    ],
  );
  const version = rows[0]?.cursor_version;
  return version === undefined ? await explainRefusal(tx, lease) : { kind: 'advanced', version: BigInt(version) };
}

async function explainRefusal(tx: Queryable, lease: StreamLease): Promise<AdvanceResult> {
  const { rows } = await tx.query<{ cursor_version: string }>(
    sql`
    select cursor_version
    from integration_streams
    where integration_id = $1
      and stream = $2
      and fence = $3
      and lease_token = $4`,
    [lease.integrationId, lease.stream, lease.fence, lease.token],
  );
  const found = rows[0]?.cursor_version;
  return found === undefined ? { kind: 'lease_lost' } : { kind: 'version_conflict', found: BigInt(found) };
}

/** Forgets the position, so that the next plan starts from a safe point. False: the stream was taken over. */
export async function forgetPosition(tx: Queryable, lease: StreamLease): Promise<boolean> {
  const { rowCount } = await tx.query(
    sql`
    update integration_streams
    set cursor = null, cursor_version = cursor_version + 1
    where integration_id = $1
      and stream = $2
      and fence = $3
      and lease_token = $4`,
    [lease.integrationId, lease.stream, lease.fence, lease.token],
  );
  return rowCount === 1;
}

export interface StreamEnd {
  /** The pass that was read to its end; null when it was not. After a full one the next may be incremental. */
  readonly finished: SyncType | null;
  readonly now: Date;
}

/**
 * Ends a run's hold on its stream: gives the lease back; on success also notes when, ends the pass that the stored cursor
 * belongs to and clears what had parked the stream. A backfill says nothing of how current the stream is, and the stored
 * cursor is not its. False: the stream was taken over and nothing was written.
 */
export async function endStream(tx: Queryable, lease: StreamLease, end: StreamEnd): Promise<boolean> {
  const { rowCount } = await tx.query(
    sql`
    update integration_streams
    set lease_worker = null,
      lease_token = null,
      cursor = case when $5 in ('full', 'incremental') then cursor - 'pass' else cursor end,
      last_success_at = case when $5 in ('full', 'incremental') then $6 else last_success_at end,
      last_full_at = case when $5 = 'full' then $6 else last_full_at end,
      status = case when $5 is not null then 'active' else status end,
      status_code = case when $5 is not null then null else status_code end,
      status_message = case when $5 is not null then null else status_message end,
      updated_at = $6
    where integration_id = $1
      and stream = $2
      and fence = $3
      and lease_token = $4`,
    [lease.integrationId, lease.stream, lease.fence, lease.token, end.finished, end.now],
  );
  return rowCount === 1;
}
