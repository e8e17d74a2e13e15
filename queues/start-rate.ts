// How many jobs of a rate-limited queue may start now: the generic cell rate algorithm. The queue remembers one number, the
// theoretical arrival time (TAT), the instant at which it would be full again. `controls.ts` adds in SQL what `tatAfter`
// adds here, and a test holds the two together.

export interface StartRate {
  readonly max: number;
  readonly perMs: number;
}

export interface RateMoment {
  /** Null: nothing was ever started under this rate. */
  readonly tatMs: number | null;
  readonly nowMs: number;
}

/** Nobody is refused for this little: a sum of fractions of milliseconds since 1970 is not exact. */
const TOLERANCE_MS = 0.01;

const aheadMs = ({ tatMs, nowMs }: RateMoment): number => Math.max(0, (tatMs ?? nowMs) - nowMs);

/** Starts that are allowed at this moment: at most `max`, and in any window of W ms at most max + W × max / perMs. */
export function allowedStarts({ max, perMs }: StartRate, moment: RateMoment): number {
  const leftMs = perMs - aheadMs(moment) + TOLERANCE_MS;
  return Math.min(max, Math.max(0, Math.floor((leftMs * max) / perMs)));
}

/** TAT after `started` starts. */
export function tatAfter({ max, perMs }: StartRate, { tatMs, nowMs }: RateMoment, started: number): number {
  return Math.max(tatMs ?? nowMs, nowMs) + (started * perMs) / max;
}

/** Whole milliseconds until one start is allowed; 0 when one is allowed now. */
export function untilNextStartMs({ max, perMs }: StartRate, moment: RateMoment): number {
  return Math.max(0, Math.ceil(aheadMs(moment) + perMs / max - perMs - TOLERANCE_MS));
}
