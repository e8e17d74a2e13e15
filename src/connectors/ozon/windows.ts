// Ranges of time that one list is asked for: a year is the most that Ozon takes, a month keeps each list short enough to be read
// again when a pass breaks off.

import { DAY_MS } from '../../core/duration.ts';

export interface Window {
  readonly from: Date;
  readonly to: Date;
  readonly isLast: boolean;
}

const WINDOW_MS = 30 * DAY_MS;

/** Ozon refuses more than a year; leap years are not worth a refusal. */
export const YEAR_MS = 364 * DAY_MS;

/** From `from` to `to`, oldest first, each at most `lengthMs`; at least one. Neighbours share the instant between them. */
export function* windowsOf(from: Date, to: Date, lengthMs = WINDOW_MS): Generator<Window> {
  let at = from.getTime();
  const end = to.getTime();
  do {
    const next = Math.min(at + lengthMs, end);
    yield { from: new Date(at), to: new Date(Math.max(next, at)), isLast: next >= end };
    at = next;
  } while (at < end);
}
