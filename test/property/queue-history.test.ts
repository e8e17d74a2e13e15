// The arithmetic of the history of queues: percentiles out of histograms against the sorted values themselves, and counts
// that are the same however they were spread over minutes.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketBound, bucketOf, emptyHistogram, HISTOGRAM_BUCKETS, quantileOf } from '../../src/core/histogram.ts';
import { addDuration, emptyTally, mergeTally, type Tally } from '../../queues/history.ts';

/** From below the first bound to beyond the last one, dense where the buckets are narrow. */
const seconds = fc.oneof(
  fc.double({ min: 0, max: 0.01, noNaN: true }),
  fc.double({ min: 0, max: 60, noNaN: true }),
  fc.double({ min: 0, max: 1e6, noNaN: true }),
  fc.integer({ min: 0, max: HISTOGRAM_BUCKETS - 2 }).map(bucketBound),
);
const some = fc.array(seconds, { minLength: 1, maxLength: 200 });

function histogramOf(values: readonly number[]): number[] {
  const histogram = emptyHistogram();
  for (const value of values) histogram[bucketOf(value)]! += 1;
  return histogram;
}

/** Nearest rank, over all values. */
function exactQuantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
}

test('every duration lies in the bucket whose bounds hold it', () => {
  fc.assert(
    fc.property(seconds, (value) => {
      const index = bucketOf(value);
      expect(value).toBeLessThanOrEqual(bucketBound(index) * (1 + 1e-9));
      if (index > 0) expect(value).toBeGreaterThan(bucketBound(index - 1) * (1 - 1e-9));
    }),
  );
});

test('a percentile is off by no more than the width of its bucket', () => {
  fc.assert(
    fc.property(some, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
      const [min, max] = [Math.min(...values), Math.max(...values)];
      const exact = exactQuantile(values, q);
      const estimate = quantileOf(histogramOf(values), q, { min, max })!;
      const index = bucketOf(exact);
      const width = Math.min(bucketBound(index), max) - (index === 0 ? 0 : bucketBound(index - 1));
      expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(width * (1 + 1e-6) + 1e-12);
      expect(estimate).toBeGreaterThanOrEqual(min);
      expect(estimate).toBeLessThanOrEqual(max);
    }),
    { numRuns: 500 },
  );
});

test('percentiles never fall as they rise, and the last is the largest value', () => {
  fc.assert(
    fc.property(some, (values) => {
      const extremes = { min: Math.min(...values), max: Math.max(...values) };
      const histogram = histogramOf(values);
      const ladder = [0, 0.1, 0.5, 0.9, 0.95, 0.99, 1].map((q) => quantileOf(histogram, q, extremes)!);
      expect(ladder).toEqual(ladder.toSorted((a, b) => a - b));
      expect(ladder.at(-1)).toBe(extremes.max);
    }),
  );
  expect(quantileOf(emptyHistogram(), 0.5, { min: 0, max: 0 })).toBeNull();
});

test('merged minutes are the minute that had seen it all', () => {
  const tallyOf = (durations: readonly number[]): Tally => {
    const tally = emptyTally('metrics', 0);
    for (const ms of durations) {
      tally.completed += 1;
      addDuration(tally.wait, ms);
      addDuration(tally.run, ms / 2);
    }
    return tally;
  };
  // Whole numbers, so that sums are the same in any order.
  const minute = fc.array(fc.integer({ min: 0, max: 1e7 }), { maxLength: 30 });
  fc.assert(
    fc.property(fc.array(minute, { maxLength: 5 }), (minutes) => {
      const merged = emptyTally('metrics', 0);
      for (const durations of minutes) mergeTally(merged, tallyOf(durations));
      expect(merged).toEqual(tallyOf(minutes.flat()));
    }),
  );
});
