// What notifications of platforms need of the database: whom one is about, when a stream was last read because of one, and pulling
// a stream's next run forward.

import type { PlatformId } from '../core/platforms.ts';
import type { Queryable, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import { refreshNextSync } from './streams.ts';

export interface PushAddress {
  readonly integrationId: string;
  readonly platform: PlatformId;
  /** The account that the notification names; null: it names none. */
  readonly accountId: string | null;
}

export interface PushTarget {
  readonly userId: string;
  /** False: paused, not connected, or of a user who is not active. */
  readonly canRun: boolean;
}

/** In any scope. Null: no such integration, or not of this platform, or not of this account, or disconnected. */
export async function findPushTarget(
  db: Queryable,
  { integrationId, platform, accountId }: PushAddress,
): Promise<PushTarget | null> {
  const { rows } = await db.query<PushTarget>(
    sql`
    select user_id as "userId", can_run as "canRun"
    from tidemark_private.push_target($1, $2, $3)`,
    [integrationId, platform, accountId],
  );
  return rows[0] ?? null;
}

/** When the newest run that a notification began was made, for each of the streams that has one. */
export async function lastHintedRuns(
  db: Queryable,
  integrationId: string,
  streams: readonly string[],
): Promise<ReadonlyMap<string, Date>> {
  const { rows } = await db.query<{ stream: string; at: Date }>(
    sql`
    select s.stream, r.created_at as at
    from unnest($2::text[]) s (stream)
    cross join lateral (
      select created_at
      from sync_logs l
      where l.integration_id = $1
        and l.stream = s.stream
        and l.trigger = 'webhook'
      order by created_at desc
      limit 1
    ) r`,
    [integrationId, streams],
  );
  return new Map(rows.map(({ stream, at }) => [stream, at]));
}

export interface Hurried {
  readonly stream: string;
  readonly at: Date;
}

/** Makes streams due at these instants, if they are not due before; one whose next run waits already sees everything anyway. */
export async function hurryStreams(
  tx: Tx,
  integrationId: string,
  hurried: readonly Hurried[],
  now: Date,
): Promise<void> {
  if (hurried.length === 0) return;
  const { rowCount } = await tx.query(
    sql`
    update integration_streams s
    set next_sync_at = h.at, updated_at = $4
    from unnest($2::text[], $3::timestamptz[]) h (stream, at)
    where s.integration_id = $1
      and s.stream = h.stream
      and (s.next_sync_at is null or s.next_sync_at > h.at)
      and not exists (
        select
        from sync_logs l
        where l.integration_id = $1
          and l.stream = h.stream
          and l.status in ('queued', 'pending')
          and l.sync_type <> 'backfill'
      )`,
    [integrationId, hurried.map(({ stream }) => stream), hurried.map(({ at }) => at), now],
  );
  if ((rowCount ?? 0) > 0) await refreshNextSync(tx, [integrationId]);
}
