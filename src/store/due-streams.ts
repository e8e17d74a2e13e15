// What the scheduler reads and writes of streams, set-based: which are due, when they are due next, which are late and
// which lost their place in time.

import type { PlatformId } from '../core/platforms.ts';
import type { Queryable, Tx } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { IntegrationStatus } from './integrations.ts';
import { refreshNextSync, type StreamKey } from './streams.ts';

export interface DueStream extends StreamKey {
  readonly userId: string;
  readonly platformId: PlatformId;
  readonly integrationStatus: IntegrationStatus;
  /** It is, or its user is not active. */
  readonly isPaused: boolean;
  /** The stream's own schedule, or its integration's. */
  readonly intervalMinutes: number | null;
  readonly cron: string | null;
  readonly timezone: string | null;
  readonly spreadSeconds: number;
  /** Null: it has no place in time yet. */
  readonly nextSyncAt: Date | null;
  readonly hasCursor: boolean;
}

const COLUMNS = `s.integration_id as "integrationId", s.stream, s.user_id as "userId", i.platform_id as "platformId",
      i.status as "integrationStatus", i.paused_at is not null or not u.is_active as "isPaused",
      case when s.cron is null then coalesce(s.interval_minutes, i.sync_interval_minutes) end as "intervalMinutes",
      case when s.interval_minutes is null then coalesce(s.cron, i.cron) end as cron,
      case when s.interval_minutes is null then coalesce(s.timezone, i.timezone) end as timezone,
      s.spread_seconds as "spreadSeconds", s.next_sync_at as "nextSyncAt", s.cursor is not null as "hasCursor"`;

/**
 * Due streams, longest due first, locked together with their integrations: nobody else claims a sibling meanwhile, and
 * since both locks are skipped when taken, two schedulers never wait for each other. Locked ones come next time.
 */
export async function lockDueStreams(tx: Tx, now: Date, limit: number): Promise<readonly DueStream[]> {
  const { rows } = await tx.query<DueStream>(
    sql`
    select ${COLUMNS}
    from integration_streams s
    join integrations i on i.id = s.integration_id
    join users u on u.id = s.user_id
    where s.enabled
      and s.status = 'active'
      and s.next_sync_at <= $1
    order by s.next_sync_at
    limit $2
    for no key update of s, i skip locked`,
    [now, limit],
  );
  return rows;
}

export interface NextFire extends StreamKey {
  readonly at: Date;
}

export async function moveNextSync(tx: Tx, fires: readonly NextFire[], now: Date): Promise<void> {
  if (fires.length === 0) return;
  await tx.query(
    sql`
    update integration_streams s
    set next_sync_at = f.at, updated_at = $4
    from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as f (integration_id, stream, at)
    where s.integration_id = f.integration_id
      and s.stream = f.stream`,
    [fires.map((fire) => fire.integrationId), fires.map((fire) => fire.stream), fires.map((fire) => fire.at), now],
  );
  await refreshNextSync(tx, [...new Set(fires.map((fire) => fire.integrationId))]);
}

/**
 * Streams whose next fire cannot be right: missing, or later than one and a half intervals from now, as it is after the
 * clock was set back. Cron streams are candidates whenever they lie more than a minute ahead: only the rule knows.
 * In key order after `after`.
 */
export async function lockMisplacedStreams(
  tx: Tx,
  { now, after, limit }: { readonly now: Date; readonly after: StreamKey | null; readonly limit: number },
): Promise<readonly DueStream[]> {
  const { rows } = await tx.query<DueStream>(
    sql`
    select ${COLUMNS}
    from integration_streams s
    join integrations i on i.id = s.integration_id
    join users u on u.id = s.user_id
    where s.enabled
      and s.status = 'active'
      and ($2::uuid is null or (s.integration_id, s.stream) > ($2, $3::text))
      and (
        s.next_sync_at is null
        or s.next_sync_at > $1::timestamptz + interval '1 minute'
          + case
            when coalesce(s.cron, case when s.interval_minutes is null then i.cron end) is not null then interval '0'
            else make_interval(mins => coalesce(s.interval_minutes, i.sync_interval_minutes, 60)) * 1.5
          end
      )
    order by s.integration_id, s.stream
    limit $4
    for no key update of s, i skip locked`,
    [now, after?.integrationId ?? null, after?.stream ?? null, limit],
  );
  return rows;
}

export interface OverdueStream extends StreamKey {
  readonly userId: string;
  readonly nextSyncAt: Date;
}

/** Streams that should have been claimed before `before` and have no run in hand; longest due first. */
export async function listOverdueStreams(
  db: Queryable,
  before: Date,
  limit: number,
): Promise<readonly OverdueStream[]> {
  const { rows } = await db.query<OverdueStream>(
    sql`
    select s.integration_id as "integrationId", s.stream, s.user_id as "userId", s.next_sync_at as "nextSyncAt"
    from integration_streams s
    join integrations i on i.id = s.integration_id
    join users u on u.id = s.user_id
    where s.enabled
      and s.status = 'active'
      and s.next_sync_at < $1
      and i.status = 'connected'
      and i.paused_at is null
      and u.is_active
      and (exists (
        select
        from sync_logs r
        where r.integration_id = s.integration_id
          and r.stream = s.stream
          and r.status in ('queued', 'running', 'waiting')
          and r.sync_type <> 'backfill'
      )) is not true
    order by s.next_sync_at
    limit $2`,
    [before, limit],
  );
  return rows;
}

/** Parks a stream whose stored schedule nobody can read; it would otherwise be due for ever. */
export async function parkUnreadableSchedule(tx: Tx, key: StreamKey, message: string, now: Date): Promise<void> {
  await tx.query(
    sql`
    update integration_streams
    set status = 'parked', status_code = 'input.invalid', status_message = $3, updated_at = $4
    where integration_id = $1
      and stream = $2`,
    [key.integrationId, key.stream, message, now],
  );
}
