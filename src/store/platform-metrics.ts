// What the platforms did for us, per integration and minute. Rows merge: counts and sums add up, histograms add up bucket
// by bucket, so hours and days are made from minutes (`metric-fold.ts`): what was added here is open until it was. Written
// outside the page transaction: a call that led to a rolled-back page was still a call.

import { METRIC_UNITS, type MetricType } from '../core/metric-types.ts';
import type { Queryable } from '../db/database.ts';
import { mergedHistograms } from '../db/histograms.ts';
import { sql } from '../db/sql.ts';

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

/** The end of an insert into `platform_metrics as m`: what is there already gets the new row on top, open parts too. */
export const ADDED_UP = sql`on conflict (integration_id, metric_type, period, period_start) do update
    set count = m.count + excluded.count,
      sum = m.sum + excluded.sum,
      min = least(m.min, excluded.min),
      max = greatest(m.max, excluded.max),
      histogram = ${mergedHistograms('m.histogram', 'excluded.histogram')},
      open_count = m.open_count + excluded.open_count,
      open_sum = m.open_sum + excluded.open_sum,
      open_histogram = ${mergedHistograms('m.open_histogram', 'excluded.open_histogram')},
      updated_at = now()`;

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
      (user_id, integration_id, platform_id, period, metric_type, metric_unit, period_start, count, sum, min, max, histogram,
       open_count, open_sum, open_histogram)
    select $1, $2, $3, 'minute', u.metric_type, u.metric_unit, u.period_start, u.count, u.sum, u.min, u.max,
      u.histogram::bigint[], u.count, u.sum, u.histogram::bigint[]
    from unnest($4::text[], $5::text[], $6::timestamptz[], $7::bigint[], $8::float8[], $9::float8[], $10::float8[],
        $11::text[])
      as u (metric_type, metric_unit, period_start, count, sum, min, max, histogram)
    order by u.period_start, u.metric_type
    ${ADDED_UP}`,
    [
      userId,
      integrationId,
      platformId,
      samples.map((sample) => sample.metricType),
      samples.map((sample) => METRIC_UNITS[sample.metricType]),
      samples.map((sample) => sample.minute),
      samples.map((sample) => sample.count),
      samples.map((sample) => sample.sum),
      samples.map((sample) => sample.min),
      samples.map((sample) => sample.max),
      samples.map((sample) => `{${sample.histogram.join(',')}}`),
    ],
  );
}
