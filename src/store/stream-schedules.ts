// Schedules of streams across integrations, as a board lists them: which stream fires when, and when it ran last. Reads
// only, whatever the transaction's scope may see.

import type { PlatformId } from '../core/platforms.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { StreamKey } from './streams.ts';

export interface StreamSchedule extends StreamKey {
  readonly userId: string;
  readonly platformId: PlatformId;
  readonly status: 'active' | 'parked' | 'gone';
  /** The stream's own schedule, or its integration's; neither: the default interval. */
  readonly intervalMinutes: number | null;
  readonly cron: string | null;
  readonly timezone: string | null;
  /** Null while it cannot fire: parked or gone, its integration paused or not connected, its user not active. */
  readonly nextSyncAt: Date | null;
  readonly lastStartedAt: Date | null;
}

/** The rule of `due-streams.ts`. */
const COLUMNS = sql`
  s.integration_id as "integrationId", s.stream, s.user_id as "userId", i.platform_id as "platformId", s.status,
  case when s.cron is null then coalesce(s.interval_minutes, i.sync_interval_minutes) end as "intervalMinutes",
  case when s.interval_minutes is null then coalesce(s.cron, i.cron) end as cron,
  case when s.interval_minutes is null then coalesce(s.timezone, i.timezone) end as timezone,
  case when s.status = 'active' and i.status = 'connected' and i.paused_at is null and u.is_active then s.next_sync_at end as "nextSyncAt"`;

const LAST_RUN = sql`
  left join lateral (
    select r.started_at as "lastStartedAt"
    from sync_logs r
    where r.integration_id = f.integration_id
      and r.stream = f.stream
      and r.started_at is not null
      and r.sync_type <> 'backfill'
    order by r.created_at desc
    limit 1
  ) l on true`;

/** Of enabled streams, soonest next first; those that cannot fire come last. */
export async function listStreamSchedules(
  db: Queryable,
  platforms: readonly PlatformId[],
  limit: number,
): Promise<readonly StreamSchedule[]> {
  const { rows } = await db.query<StreamSchedule>(
    sql`
    select f."integrationId", f.stream, f."userId", f."platformId", f.status, f."intervalMinutes", f.cron, f.timezone,
      f."nextSyncAt", l."lastStartedAt"
    from (
      select s.integration_id, ${COLUMNS}
      from integration_streams s
      join integrations i on i.id = s.integration_id
      join users u on u.id = s.user_id
      where s.enabled
        and i.platform_id = any ($1)
      order by "nextSyncAt", s.integration_id, s.stream
      limit $2
    ) f
    ${LAST_RUN}
    order by f."nextSyncAt", f."integrationId", f.stream`,
    [platforms, limit],
  );
  return rows;
}

/** Of enabled streams, by platform. */
export async function countStreamSchedules(db: Queryable): Promise<ReadonlyMap<PlatformId, number>> {
  const { rows } = await db.query<{ platform: PlatformId; streams: number }>(sql`
    select i.platform_id as platform, count(*)::integer as streams
    from integration_streams s
    join integrations i on i.id = s.integration_id
    where s.enabled
    group by i.platform_id`);
  return new Map(rows.map(({ platform, streams }) => [platform, streams]));
}

/** Whether there is an enabled stream of this key on one of the platforms. */
export async function hasStreamSchedule(
  db: Queryable,
  { integrationId, stream }: StreamKey,
  platforms: readonly PlatformId[],
): Promise<boolean> {
  const { rows } = await db.query(
    sql`
    select
    from integration_streams s
    join integrations i on i.id = s.integration_id
    where s.integration_id = $1
      and s.stream = $2
      and s.enabled
      and i.platform_id = any ($3)`,
    [integrationId, stream, platforms],
  );
  return rows.length > 0;
}

/** The unsettled job of the usual run of this stream that is queued or under way. */
export async function findJobOfStream(db: Queryable, { integrationId, stream }: StreamKey): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    sql`
    select id
    from job_ledger
    where kind = 'sync.run'
      and unique_key = (
        select r.id::text
        from sync_logs r
        where r.integration_id = $1
          and r.stream = $2
          and r.status in ('queued', 'running', 'waiting')
          and r.sync_type <> 'backfill'
      )
      and state <> 'dead'`,
    [integrationId, stream],
  );
  return rows[0]?.id ?? null;
}
