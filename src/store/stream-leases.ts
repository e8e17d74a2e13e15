// The right to write one stream. The lease token says for whom a worker acts; the fence says that nobody has taken the
// stream since. Every take raises the fence, so whoever holds an older one can write nothing more.
//
//   free ──take (fence + 1)──► held ──release──► free
//                               └── worker dead, or its job settled or claimed anew ──take (fence + 1)──► held by another

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

/** What a page transaction must bring to be allowed to write. */
export interface StreamLease {
  readonly integrationId: string;
  readonly stream: string;
  readonly token: string;
  readonly fence: bigint;
}

/** A token for the user of this job, or null when the job is no longer this worker's. */
export async function acquireLease(db: Queryable, jobId: string, workerId: string): Promise<string | null> {
  const { rows } = await db.query<{ token: string | null }>('select acquire_lease($1, $2) as token', [jobId, workerId]);
  return rows[0]?.token ?? null;
}

export interface DayClaim {
  readonly jobId: string;
  readonly workerId: string;
  readonly userId: string;
  /** `YYYY-MM-DD` */
  readonly day: string;
}

/** A token for the user of a marked day, or null when nothing marks it, or the worker was declared dead. */
export async function acquireDayLease(
  db: Queryable,
  { jobId, workerId, userId, day }: DayClaim,
): Promise<string | null> {
  const { rows } = await db.query<{ token: string | null }>('select acquire_day_lease($1, $2, $3, $4) as token', [
    jobId,
    workerId,
    userId,
    day,
  ]);
  return rows[0]?.token ?? null;
}

/** False: it was revoked before. */
export async function releaseLease(db: Queryable, token: string): Promise<boolean> {
  const { rows } = await db.query<{ released: boolean }>('select release_lease($1) as released', [token]);
  return rows[0]?.released ?? false;
}

export interface StreamClaim {
  readonly integrationId: string;
  readonly stream: string;
  readonly token: string;
  readonly workerId: string;
  readonly now: Date;
}

/** A stream as it was taken: nobody else can move its position while the fence stands. */
export interface TakenStream {
  readonly lease: StreamLease;
  /** As stored; `src/sync/checkpoint.ts` knows its form. */
  readonly cursor: unknown;
  readonly cursorVersion: bigint;
  readonly lastFullAt: Date | null;
}

interface TakenRow {
  readonly fence: string;
  readonly cursor: unknown;
  readonly cursor_version: string;
  readonly last_full_at: Date | null;
}

/** The stream under a new fence; null when another live lease holds it. */
export async function takeStream(
  tx: Queryable,
  { integrationId, stream, token, workerId, now }: StreamClaim,
): Promise<TakenStream | null> {
  const { rows } = await tx.query<TakenRow>(
    sql`
    update integration_streams
    set fence = fence + 1, lease_worker = $4, lease_token = $3, updated_at = $5
    where integration_id = $1
      and stream = $2
      and (lease_token is null or lease_token = $3 or not lease_is_live(lease_token))
    returning fence, cursor, cursor_version, last_full_at`,
    [integrationId, stream, token, workerId, now],
  );
  const row = rows[0];
  if (row === undefined) return null;
  return {
    lease: { integrationId, stream, token, fence: BigInt(row.fence) },
    cursor: row.cursor,
    cursorVersion: BigInt(row.cursor_version),
    lastFullAt: row.last_full_at,
  };
}

/** Gives the stream back; false when it was taken over. */
export async function releaseStream(tx: Queryable, lease: StreamLease): Promise<boolean> {
  const { rowCount } = await tx.query(
    sql`
    update integration_streams
    set lease_worker = null, lease_token = null
    where integration_id = $1
      and stream = $2
      and fence = $3
      and lease_token = $4`,
    [lease.integrationId, lease.stream, lease.fence, lease.token],
  );
  return rowCount === 1;
}
