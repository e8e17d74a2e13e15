// What the platforms did for us, per integration and minute. Rows merge: counts and sums add up, histograms add up bucket
// by bucket, so hours and days can be made from minutes. Written outside the page transaction: a call that led to a
// rolled-back page was still a call.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export type MetricType =
  | 'messages_sent'
  | 'messages_received'
  | 'api_calls'
  | 'errors'
  | 'response_time'
  | 'sync_duration';

const UNITS: Readonly<Record<MetricType, 'count' | 'seconds'>> = {
  messages_sent: 'count',
  messages_received: 'count',
  api_calls: 'count',
  errors: 'count',
  response_time: 'seconds',
  sync_duration: 'seconds',
};

/** Buckets grow by the square root of two from 1 ms; the last one, above 3.3 h, is open. */
export const HISTOGRAM_BUCKETS = 48;

/** Upper bound of a bucket, in seconds. */
export function bucketBound(index: number): number {
  return index >= HISTOGRAM_BUCKETS - 1 ? Number.POSITIVE_INFINITY : 0.001 * 2 ** (index / 2);
}

export function bucketOf(seconds: number): number {
  if (seconds <= 0.001) return 0;
  return Math.min(HISTOGRAM_BUCKETS - 1, Math.ceil(2 * Math.log2(seconds / 0.001) - 1e-9));
}

/** Upper bound, in seconds, of the bucket that holds quantile `q` (0 to 1); null when nothing was counted. */
export function quantileOf(histogram: readonly number[], q: number): number | null {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let seen = 0;
  const index = histogram.findIndex((count) => (seen += count) >= q * total);
  return bucketBound(index);
}

/** Everything measured in one minute, ready to be added to the stored row. */
export interface MetricSample {
  readonly metricType: MetricType;
  /** Start of the minute. */
  readonly minute: Date;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Empty for counts. */
  readonly histogram: readonly number[];
}

export interface MetricOwner {
  readonly userId: string;
  readonly integrationId: string;
  readonly platformId: string;
}

/** Adds samples to their minutes. No two samples may be of one type and minute. */
export async function addPlatformMetrics(
  tx: Queryable,
  { userId, integrationId, platformId }: MetricOwner,
  samples: readonly MetricSample[],
): Promise<void> {
  if (samples.length === 0) return;
  await tx.query(
    sql`
    insert into platform_metrics as m
      (user_id, integration_id, platform_id, period, metric_type, metric_unit, period_start, count, sum, min, max, histogram)
    select $1, $2, $3, 'minute', u.metric_type, u.metric_unit, u.period_start, u.count, u.sum, u.min, u.max,
      u.histogram::bigint[]
    from unnest($4::text[], $5::text[], $6::timestamptz[], $7::bigint[], $8::float8[], $9::float8[], $10::float8[],
        $11::text[])
      as u (metric_type, metric_unit, period_start, count, sum, min, max, histogram)
    order by u.period_start, u.metric_type
    on conflict (integration_id, metric_type, period, period_start) do update
    set count = m.count + excluded.count,
      sum = m.sum + excluded.sum,
      min = least(m.min, excluded.min),
      max = greatest(m.max, excluded.max),
      histogram = array(
        select coalesce(h.a, 0) + coalesce(h.b, 0)
        from unnest(m.histogram, excluded.histogram) with ordinality as h (a, b, position)
        order by h.position
      ),
      updated_at = now()`,
    [
      userId,
      integrationId,
      platformId,
      samples.map((sample) => sample.metricType),
      samples.map((sample) => UNITS[sample.metricType]),
      samples.map((sample) => sample.minute),
      samples.map((sample) => sample.count),
      samples.map((sample) => sample.sum),
      samples.map((sample) => sample.min),
      samples.map((sample) => sample.max),
      samples.map((sample) => `{${sample.histogram.join(',')}}`),
    ],
  );
}
