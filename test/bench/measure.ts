// The arithmetic of measuring: times, medians, percentiles, ratios.

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

/** `q` from 0 to 1, nearest rank. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)]!;
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

export const perSecond = (count: number, ms: number): number => (count / ms) * 1_000;

/** Three digits that mean something; machine noise hides the rest. */
export function rounded(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(value >= 1_000 ? 4 : 3)) : value;
}

/**
 * The median ratio of rounds measured side by side. Of each round, not of the medians: when the machine is busy both
 * sides of a round suffer, and the ratio stays.
 */
export function medianRatio(ours: readonly number[], reference: readonly number[]): number {
  return median(ours.map((value, round) => value / reference[round]!));
}
