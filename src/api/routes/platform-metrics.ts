// /v1/platform-metrics

import { HOUR_MS, MINUTE_MS } from '../../core/duration.ts';
import { bucketsOf, type CalendarBucket, type DaySpan } from '../../core/calendar.ts';
import { emptyHistogram, quantileOf } from '../../core/histogram.ts';
import { isTimed, METRIC_UNITS } from '../../core/metric-types.ts';
import type { Tx } from '../../db/database.ts';
import {
  hoursFrom,
  readPlatformHours,
  readPlatformSeries,
  readSeriesBounds,
  readSplitLabels,
  type MetricPoint,
  type PlatformSeriesQuery,
  type SeriesBounds,
} from '../../store/platform-series.ts';
import type { ApiDeps, Call, Handlers } from '../call.ts';
import type { metricOperations } from '../contract/metrics.ts';
import { csvText } from '../csv.ts';
import { changePercent, comparedSpan, isCalendarStep, refusingZone, spanOf } from '../series-span.ts';
import { iso } from '../shown.ts';

type Asked = Call<(typeof metricOperations)['platformMetricsCsv']>['query'];

const MOST_SERIES = 100;

type Bucket = CalendarBucket;

/** Since when there are rows for steps of this kind; null: always. */
function keptFrom({ by }: PlatformSeriesQuery, bounds: SeriesBounds): Date | null {
  return bounds.keptFrom[isCalendarStep(by) ? 'day' : by] ?? null;
}

/** Every step of the span that can be told of, oldest first. */
function stepsOf({ by, span }: PlatformSeriesQuery, bounds: SeriesBounds, kept: Date | null): readonly Bucket[] {
  if (isCalendarStep(by)) {
    const since = kept?.toISOString().slice(0, 10) ?? '';
    return bucketsOf(span, by).filter(({ to }) => to >= since);
  }
  const stepMs = by === 'hour' ? HOUR_MS : MINUTE_MS;
  const buckets: Bucket[] = [];
  const first = Math.ceil(Math.max(bounds.fromAt.getTime(), kept?.getTime() ?? 0) / stepMs) * stepMs;
  for (let at = first; at < bounds.toAt.getTime(); at += stepMs) {
    const [from, to] = [new Date(at).toISOString(), new Date(at + stepMs).toISOString()];
    buckets.push({ start: from, from, to });
  }
  return buckets;
}

type Measured = Omit<MetricPoint, 'of' | 'start'>;

const NOTHING: Measured = { count: 0, sum: 0, min: null, max: null, histogram: [] };

const least = (a: number | null, b: number | null): number | null => (a === null || (b !== null && b < a) ? b : a);
const greatest = (a: number | null, b: number | null): number | null => (a === null || (b !== null && b > a) ? b : a);

function merged(points: readonly Measured[]): Measured {
  const histogram = emptyHistogram();
  for (const point of points) for (const [index, n] of point.histogram.entries()) histogram[index]! += n;
  return {
    count: points.reduce((total, { count }) => total + count, 0),
    sum: points.reduce((total, { sum }) => total + sum, 0),
    min: points.reduce<number | null>((found, { min }) => least(found, min), null),
    max: points.reduce<number | null>((found, { max }) => greatest(found, max), null),
    histogram,
  };
}

function shown(
  { metricType }: PlatformSeriesQuery,
  { start, from, to }: Bucket,
  { count, sum, min, max, histogram }: Measured,
) {
  const at = (q: number): number | null =>
    isTimed(metricType) && min !== null && max !== null ? quantileOf(histogram, q, { min, max }) : null;
  const mean = count === 0 ? null : sum / count;
  return { start, from, to, count, sum, min, max, mean, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

type Shown = ReturnType<typeof shown>;

interface Lines {
  readonly items: readonly Shown[];
  readonly total: Shown;
}

/** Gaps filled. */
function linesOf(query: PlatformSeriesQuery, steps: readonly Bucket[], points: readonly MetricPoint[]): Lines {
  const found = new Map(points.map((point) => [point.start, point]));
  const items = steps.map((step) => shown(query, step, found.get(step.start) ?? NOTHING));
  const [first, last] = [steps[0]?.from ?? query.span.from, steps.at(-1)?.to ?? query.span.to];
  const told = steps.flatMap(({ start }) => found.get(start) ?? []);
  return { items, total: shown(query, { start: first, from: first, to: last }, merged(told)) };
}

async function readLines(tx: Tx, query: PlatformSeriesQuery) {
  const bounds = await readSeriesBounds(tx, query.span, query.timezone);
  const kept = keptFrom(query, bounds);
  const steps = stepsOf(query, bounds, kept);
  const bySplit = Map.groupBy(await readPlatformSeries(tx, query, bounds), ({ of }) => of);
  // Without a split there is one series, also of nothing.
  if (query.split === null && bySplit.size === 0) bySplit.set(null, []);
  const lines = new Map([...bySplit].map(([of, points]) => [of, linesOf(query, steps, points)]));
  const approximateUntil = isCalendarStep(query.by) ? hoursFrom(bounds, query.timezone) : null;
  const isCut = kept !== null && kept > bounds.fromAt;
  return { lines, none: () => linesOf(query, steps, []), keptFrom: isCut ? kept : null, approximateUntil };
}

async function readSeries(tx: Tx, query: PlatformSeriesQuery, compared: DaySpan | null) {
  const now = await readLines(tx, query);
  const before = compared === null ? null : await readLines(tx, { ...query, span: compared });
  const labels =
    query.split === null
      ? new Map<string, string>()
      : await readSplitLabels(
          tx,
          query.split,
          [...now.lines.keys()].filter((of) => of !== null),
        );
  const largest = [...now.lines].toSorted(([, a], [, b]) => b.total.sum - a.total.sum).slice(0, MOST_SERIES);
  const items = largest.map(([of, { items: points, total }]) => {
    const previous = before === null ? null : (before.lines.get(of) ?? before.none());
    return {
      of,
      label: of === null ? null : (labels.get(of) ?? null),
      items: [...points],
      total,
      previous: previous === null ? null : [...previous.items],
      previousTotal: previous?.total ?? null,
      changePercent: previous === null ? null : changePercent(previous.total.sum, total.sum),
    };
  });
  return { items, keptFrom: now.keptFrom, approximateUntil: now.approximateUntil };
}

function queryOf(asked: Asked, now: Date): PlatformSeriesQuery {
  const { metric, by, timezone, userId, integrationId, platform, split } = asked;
  return {
    metricType: metric,
    userId: userId ?? null,
    integrationId: integrationId ?? null,
    platformId: platform ?? null,
    by,
    timezone,
    span: spanOf(asked, now),
    split: split ?? null,
  };
}

const CSV_HEAD = ['of', 'label', 'from', 'to', 'count', 'sum', 'min', 'max', 'mean', 'p50', 'p95', 'p99'];

export function platformMetricRoutes({
  clock,
}: ApiDeps): Handlers<'platformMetrics' | 'platformMetricsCsv' | 'platformHours'> {
  return {
    async platformMetrics({ query: asked, inReadTx }) {
      const query = queryOf(asked, clock.now());
      const { metricType: metric, by, timezone, span } = query;
      const compared = asked.compare ? comparedSpan(span, by) : null;
      const series = await refusingZone(inReadTx((tx) => readSeries(tx, query, compared)));
      return {
        metric,
        unit: METRIC_UNITS[metric],
        by,
        timezone,
        ...span,
        keptFrom: iso(series.keptFrom),
        daysOfUtcUntil: iso(series.approximateUntil),
        previousFrom: compared?.from ?? null,
        previousTo: compared?.to ?? null,
        items: series.items,
      };
    },
    async platformMetricsCsv({ query: asked, inReadTx }) {
      const query = queryOf(asked, clock.now());
      const { items } = await refusingZone(inReadTx((tx) => readSeries(tx, query, null)));
      const rows = items.flatMap(({ of, label, items: points }) =>
        points.map((p) => [of, label, p.from, p.to, p.count, p.sum, p.min, p.max, p.mean, p.p50, p.p95, p.p99]),
      );
      return csvText(CSV_HEAD, rows);
    },
    async platformHours({ query: { hours }, inReadTx }) {
      const thisHour = Math.floor(clock.now().getTime() / HOUR_MS) * HOUR_MS;
      const rows = await inReadTx((tx) => readPlatformHours(tx, new Date(thisHour - (hours - 1) * HOUR_MS)));
      const byHour = Map.groupBy(rows, ({ platform, hour }) => `${hour.toISOString()} ${platform}`);
      const items = [...byHour.values()].map((of) => ({
        platform: of[0]!.platform,
        hour: of[0]!.hour.toISOString(),
        counts: Object.fromEntries(of.map(({ metricType, count }) => [metricType, count])),
      }));
      return {
        items: items.toSorted((a, b) =>
          a.hour === b.hour ? (a.platform < b.platform ? -1 : 1) : a.hour < b.hour ? 1 : -1,
        ),
      };
    },
  };
}
