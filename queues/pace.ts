// How many jobs a lane claims beyond its free hands: as many as it works off in a moment. What takes milliseconds is then
// claimed by the hundred, and what turns out to take long is left to whoever has a hand free.

import type { Clock } from '../src/core/clock.ts';
import { SECOND_MS } from '../src/core/duration.ts';

export interface PaceOptions {
  readonly clock: Pick<Clock, 'mono'>;
  /** Claimed ahead at any pace. */
  readonly min: number;
  readonly max: number;
}

export interface Pace {
  /** A job has ended. */
  count(): void;
  /** How many may lie ready. */
  readonly ahead: number;
}

/** What lies ready is begun within about this time. */
const WORTH_MS = 100;
const WINDOW_MS = 50;
/** Jobs of a window that is long past say nothing about now. */
const STALE_MS = SECOND_MS;

export function createPace({ clock, min, max }: PaceOptions): Pace {
  let since = clock.mono();
  let ended = 0;
  let perMs = 0;
  return {
    count() {
      ended += 1;
      const passedMs = clock.mono() - since;
      if (passedMs < WINDOW_MS) return;
      perMs = passedMs < STALE_MS ? ended / passedMs : 0;
      since += passedMs;
      ended = 0;
    },
    get ahead() {
      if (clock.mono() - since > STALE_MS) return min;
      return Math.min(max, Math.max(min, Math.round(perMs * WORTH_MS)));
    },
  };
}
