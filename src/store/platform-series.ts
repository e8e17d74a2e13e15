// Platform metrics as points of a chart: by minute, hour, or the days, weeks and months of a zone. Rows of a period and what shorter
// ones have open make up all that was counted, so a series is exact whatever was folded until now. Only periods in which something
// was counted are here; the gaps are the caller's.

import type { CalendarStep, DaySpan } from '../core/calendar.ts';
import { DAY_MS } from '../core/duration.ts';
import type { MetricType } from '../core/metric-types.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';
import type { MetricPeriod } from './metric-fold.ts';

export type SeriesStep = 'minute' | 'hour' | CalendarStep;
/** What a series is split by; null: one series of all that the filter leaves. */
export type SeriesSplit = 'user' | 'integration' | 'platform';

export interface PlatformFilter {
  readonly metricType: MetricType;
  readonly userId: string | null;
  readonly integrationId: string | null;
  readonly platformId: string | null;
}

export interface PlatformSeriesQuery extends PlatformFilter {
  readonly by: SeriesStep;
  readonly timezone: string;
  /** Days of that zone. */
  readonly span: DaySpan;
  readonly split: SeriesSplit | null;
}

export interface MetricPoint {
  /** What it is split by: an id; null without a split. */
  readonly of: string | null;
  /** Of a minute or an hour its instant, ISO 8601 in UTC; else the first day. */
  readonly start: string;
  readonly count: number;
  readonly sum: number;
  readonly min: number | null;
  readonly max: number | null;
  /** Counts of `src/core/histogram.ts`; empty of what is no duration. */
  readonly histogram: readonly number[];
}

/** A span of days of a zone as instants, and since when rows of each period are there. */
export interface SeriesBounds {
  readonly fromAt: Date;
  readonly toAt: Date;
  readonly keptFrom: Readonly<Partial<Record<MetricPeriod, Date>>>;
}

/** Throws `db.constraint` for a zone that the database does not know. */
export async function readSeriesBounds(db: Queryable, { from, to }: DaySpan, timezone: string): Promise<SeriesBounds> {
  const { rows } = await db.query<{ fromAt: Date; toAt: Date; kept: Readonly<Record<string, string>> | null }>(
    sql`
    select $1::date::timestamp at time zone $3 as "fromAt", ($2::date + 1)::timestamp at time zone $3 as "toAt",
      (select jsonb_object_agg(period, kept_from) from platform_metric_horizons) as kept`,
    [from, to, timezone],
  );
  const { fromAt, toAt, kept } = rows[0]!;
  const keptFrom = Object.fromEntries(Object.entries(kept ?? {}).map(([period, at]) => [period, new Date(at)]));
  return { fromAt, toAt, keptFrom };
}

const UTC = new Set(['UTC', 'Etc/UTC', 'GMT', 'Etc/GMT', 'Zulu', 'Etc/Zulu', 'UCT', 'Etc/UCT', 'Universal']);

/**
 * Since when the days of a zone are made of hours. Days of UTC are kept for longer than hours, so what is older is counted to the
 * day of UTC; null: everything in the span is exact. An hour counts to the day in which it begins.
 */
export function hoursFrom({ fromAt, keptFrom }: SeriesBounds, timezone: string): Date | null {
  const { hour } = keptFrom;
  return hour === undefined || hour <= fromAt || UTC.has(timezone) ? null : hour;
}

interface Source {
  /** The period whose rows count as a whole from `since` on; before, days do. */
  readonly period: MetricPeriod;
  readonly since: string;
  /** Expression over `m` for the start of a point. */
  readonly start: string;
  readonly withinDays: boolean;
}

const INSTANT = (period: string): string =>
  `to_char(date_trunc('${period}', m.period_start, 'UTC') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"')`;

function sourceOf({ by, timezone }: PlatformSeriesQuery, bounds: SeriesBounds): Source {
  if (by === 'minute' || by === 'hour')
    return { period: by, since: '-infinity', start: INSTANT(by), withinDays: false };
  const start = `date_trunc('${by}', d.day::timestamp)::date::text`;
  if (UTC.has(timezone)) return { period: 'day', since: '-infinity', start, withinDays: true };
  const since = hoursFrom(bounds, timezone)?.toISOString() ?? '-infinity';
  return { period: 'hour', since, start, withinDays: true };
}

const SPLITS: Readonly<Record<SeriesSplit, string>> = {
  user: 'm.user_id::text',
  integration: 'm.integration_id::text',
  platform: 'm.platform_id',
};

/** `$1` type, `$2` to `$4` the filter, `$5` and `$6` instants, `$7` period, `$8` since, `$9` to `$11` days and zone. */
function seriesStatement({ split }: PlatformSeriesQuery, { start, withinDays }: Source): string {
  return sql`
    with facts as (
      select ${split === null ? 'null::text' : SPLITS[split]} as of, ${start} as start,
        case when d.is_whole then m.count else m.open_count end as count,
        case when d.is_whole then m.sum else m.open_sum end as sum, m.min, m.max,
        case when d.is_whole then m.histogram else m.open_histogram end as histogram
      from platform_metrics m
      cross join lateral (
        select m.period = case when m.period_start >= $8::timestamptz then $7 else 'day' end as is_whole,
          case when m.period_start >= $8::timestamptz then m.period_start at time zone $11 else m.period_start at time zone 'UTC' end::date as day
      ) d
      where m.metric_type = $1
        and ($2::uuid is null or m.user_id = $2)
        and ($3::uuid is null or m.integration_id = $3)
        and ($4::text is null or m.platform_id = $4)
        and m.period_start >= $5
        and m.period_start < $6
        and (d.is_whole or m.open_count > 0)
        -- Longer periods hold what the rows that count as a whole hold already.
        and (d.is_whole or m.period = 'minute' or (m.period = 'hour' and ($7 = 'day' or m.period_start < $8::timestamptz)))
        and ($7 <> 'minute' or m.period = 'minute')
        and (not ${String(withinDays)} or d.day between $9::date and $10::date)
    ),
    buckets as (
      select of, start, position, sum(n)::double precision as n
      from facts f
      cross join lateral unnest(f.histogram) with ordinality as b (n, position)
      group by of, start, position
    )
    select f.of, f.start, sum(f.count)::double precision as count, sum(f.sum) as sum, min(f.min) as min, max(f.max) as max,
      coalesce((
        select array_agg(b.n order by b.position)
        from buckets b
        where b.of is not distinct from f.of
          and b.start = f.start
      ), '{}') as histogram
    from facts f
    group by f.of, f.start
    order by f.of, f.start`;
}

/** In the scope of the caller: a tenant's rows, or everybody's. By what it is split by, then oldest first. */
export async function readPlatformSeries(
  db: Queryable,
  query: PlatformSeriesQuery,
  bounds: SeriesBounds,
): Promise<readonly MetricPoint[]> {
  const { metricType, userId, integrationId, platformId, span, timezone } = query;
  const source = sourceOf(query, bounds);
  // A day of a zone lies within a day of the same day of UTC.
  const roomMs = source.withinDays ? DAY_MS : 0;
  const { rows } = await db.query<MetricPoint>(seriesStatement(query, source), [
    metricType,
    userId,
    integrationId,
    platformId,
    new Date(bounds.fromAt.getTime() - roomMs),
    new Date(bounds.toAt.getTime() + roomMs),
    source.period,
    source.since,
    span.from,
    span.to,
    timezone,
  ]);
  return rows;
}

export interface PlatformHour {
  readonly platform: string;
  /** Start of the hour. */
  readonly hour: Date;
  readonly metricType: MetricType;
  readonly count: number;
  readonly sum: number;
}

/** What each platform did hour by hour since then, up to the last minute that workers handed over. */
export async function readPlatformHours(db: Queryable, since: Date): Promise<readonly PlatformHour[]> {
  const { rows } = await db.query<PlatformHour>(
    sql`
    select platform_id as platform, date_trunc('hour', period_start, 'UTC') as hour, metric_type as "metricType",
      sum(case when period = 'hour' then count else open_count end)::double precision as count,
      sum(case when period = 'hour' then sum else open_sum end) as sum
    from platform_metrics
    where period_start >= $1
      and (period = 'hour' or (period = 'minute' and open_count > 0))
    group by platform_id, hour, metric_type
    order by platform_id, hour desc, metric_type`,
    [since],
  );
  return rows;
}

/** Names for people of what a series is split by; in the scope of the caller. */
export async function readSplitLabels(
  db: Queryable,
  split: SeriesSplit,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const tables = {
    user: 'select id::text as id, name as label from users where id::text = any ($1)',
    integration: 'select id::text as id, display_name as label from integrations where id::text = any ($1)',
    platform: 'select id, display_name as label from platforms where id = any ($1)',
  };
  const { rows } = await db.query<{ id: string; label: string | null }>(tables[split], [ids]);
  return new Map(rows.flatMap(({ id, label }) => (label === null ? [] : [[id, label]])));
}
