// How long jobs waited and ran, as percentiles of merged histograms: percentiles of minutes do not add up to those of an
// hour, their histograms do.

import { SECOND_MS } from '../src/core/duration.ts';
import { emptyHistogram, quantileOf } from '../src/core/histogram.ts';
import type { Queryable } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import { rowsOfSpan, type HistorySpan } from './history-read.ts';

export type LatencyMetric = 'wait' | 'run';

export interface LatencySpan extends HistorySpan {
  readonly metric: LatencyMetric;
  /** 0 to 100. */
  readonly percentiles: readonly number[];
  /** One point for all of it instead of one per period. */
  readonly merged?: true;
}

export interface LatencyPoint {
  readonly start: Date;
  readonly count: number;
  readonly meanMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** In milliseconds, in the order of the percentiles that were asked for. */
  readonly values: readonly number[];
}

interface LatencyRow {
  readonly start: Date;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Buckets in which there is something, from 1, and what. */
  readonly positions: readonly number[];
  readonly jobs: readonly number[];
}

const READ = (metric: LatencyMetric): string => sql`
with rows as (
  select case when $6 then $3::timestamptz else date_bin($1 * interval '1 millisecond', r.period_start, 'epoch') end as start,
    r.${metric}_sum_ms as sum, r.${metric}_min_ms as min, r.${metric}_max_ms as max, r.${metric}_histogram as histogram
  from queue_history r
  where r.period = $2
    and r.period_start >= $3
    and r.period_start < $4
    and ($5::text[] is null or r.queue = any($5))
    and r.${metric}_min_ms is not null
),
buckets as (
  select r.start, b.position, sum(b.jobs) as jobs
  from rows r
  cross join unnest(r.histogram) with ordinality as b (jobs, position)
  -- Most buckets of an hour are empty, and summing them is most of the work.
  where b.jobs > 0
  group by r.start, b.position
)
select t.start, t.sum, t.min, t.max, h.positions, h.jobs
from (select start, sum(sum) as sum, min(min) as min, max(max) as max from rows group by start) t
join (
  select start, array_agg(position::integer) as positions, array_agg(jobs::double precision) as jobs
  from buckets
  group by start
) h on h.start = t.start
order by t.start`;

function pointOf(row: LatencyRow, percentiles: readonly number[]): LatencyPoint {
  const { start, sum, min, max, positions, jobs } = row;
  const histogram = emptyHistogram();
  for (const [index, position] of positions.entries()) histogram[position - 1] = jobs[index]!;
  const count = histogram.reduce((total, jobs) => total + jobs, 0);
  const extremes = { min: min / SECOND_MS, max: max / SECOND_MS };
  const values = percentiles.map((percentile) => (quantileOf(histogram, percentile / 100, extremes) ?? 0) * SECOND_MS);
  return { start, count, meanMs: sum / count, minMs: min, maxMs: max, values };
}

/** Oldest first; periods without a single time are left out. */
export async function readLatency(db: Queryable, span: LatencySpan): Promise<readonly LatencyPoint[]> {
  const { period, stepMs, from, before } = rowsOfSpan(span);
  const values = [stepMs, period, from, before, span.queues, span.merged ?? false];
  const { rows } = await db.query<LatencyRow>(READ(span.metric), values);
  return rows.map((row) => pointOf(row, span.percentiles));
}
