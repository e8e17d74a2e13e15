// Where an incremental pass begins. The lower bound is closed: the source is asked for everything changed at or after it,
// because two records may carry the same instant and a row may commit late with an older one. Upserts fold the overlap.

/** High-water mark minus lookback; a mark from the future (a wrong clock at the source) counts as now. */
export function windowStart(highWaterMark: Date | null, lookbackMs: number, now: Date): Date | null {
  if (highWaterMark === null) return null;
  return new Date(Math.min(highWaterMark.getTime(), now.getTime()) - lookbackMs);
}
