// Histograms of durations that merge: counts in logarithmic buckets, the same bounds everywhere, so that minutes add up to
// hours and one worker's times to those of all.

/** Buckets grow by the square root of two from 1 ms; the last one, above 3.3 h, is open. */
export const HISTOGRAM_BUCKETS = 48;

export function emptyHistogram(): number[] {
  return Array.from({ length: HISTOGRAM_BUCKETS }, () => 0);
}

/** Upper bound of a bucket, in seconds. */
export function bucketBound(index: number): number {
  return index >= HISTOGRAM_BUCKETS - 1 ? Number.POSITIVE_INFINITY : 0.001 * 2 ** (index / 2);
}

export function bucketOf(seconds: number): number {
  if (seconds <= 0.001) return 0;
  return Math.min(HISTOGRAM_BUCKETS - 1, Math.ceil(2 * Math.log2(seconds / 0.001) - 1e-9));
}

/** The smallest and the largest value that were counted, in seconds. */
export interface Extremes {
  readonly min: number;
  readonly max: number;
}

/**
 * The value at quantile `q` (0 to 1), in seconds; null when nothing was counted. It lies in the bucket of the exact one, at
 * the place that it has if the values of a bucket are evenly spread, and never outside of what was counted.
 */
export function quantileOf(histogram: readonly number[], q: number, { min, max }: Extremes): number | null {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  // The rank of the value that is looked for, from 1.
  const rank = Math.min(total, Math.max(1, Math.ceil(q * total)));
  let before = 0;
  const index = histogram.findIndex((count) => {
    if (before + count >= rank) return true;
    before += count;
    return false;
  });
  const low = index === 0 ? 0 : bucketBound(index - 1);
  const high = Math.min(bucketBound(index), max);
  const value = low + ((rank - before) / histogram[index]!) * (high - low);
  return Math.min(max, Math.max(min, value));
}
