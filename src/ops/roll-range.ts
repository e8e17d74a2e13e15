// Asking for a range of days again: the known days of one user or of all are marked, and the marks are watched until workers have
// taken them.

import { sleep } from '../core/async.ts';
import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import type { Database } from '../db/database.ts';
import { countWaitingDays, markDirtyDays, newestMark } from '../store/dirty-days.ts';
import { listKnownDays, type DayRange } from '../store/fact-days.ts';
import type { MetricModel } from '../store/metric-model.ts';

export interface RangeDeps {
  /** Pool of the api role. */
  readonly api: Database;
  readonly clock: Clock;
  readonly model: MetricModel;
  readonly signal: AbortSignal;
}

export interface WatchedRange {
  /** Null: of all users. */
  readonly userId: string | null;
  readonly from: string;
  readonly to: string;
  /** Days that were marked. */
  readonly days: number;
  readonly onProgress: (done: number, total: number) => void;
}

/** So long nothing may happen before the wait is given up. */
const PATIENCE_MS = 30 * SECOND_MS;
const LOOK_EVERY_MS = 250;

/** Marks the days of the range that have facts or a row; how many there are. */
export async function markRange({ api, model }: RangeDeps, range: DayRange): Promise<number> {
  const { userId } = range;
  return await api.tx({ kind: 'user', userId }, async (tx) => {
    const days = await listKnownDays(tx, range, model);
    await markDirtyDays(tx, userId, days);
    return days.length;
  });
}

/** Waits until the days are rolled up; the number of those that nobody took for half a minute. */
export async function waitForRange(
  { api, clock, signal }: RangeDeps,
  { userId, from, to, days, onProgress }: WatchedRange,
): Promise<number> {
  const upTo = await api.tx({ kind: 'ops' }, newestMark);
  const count = (): Promise<number> =>
    api.tx({ kind: 'ops' }, (tx) => countWaitingDays(tx, { userId, from, to, upTo }));
  let left = days;
  for (let giveUpAt = clock.mono() + PATIENCE_MS; ;) {
    const now = await count();
    if (now < left) giveUpAt = clock.mono() + PATIENCE_MS;
    left = now;
    // Marks of the range that were there before are waited for too.
    onProgress(Math.max(0, days - left), Math.max(days, left));
    if (left === 0 || clock.mono() >= giveUpAt) return left;
    await sleep(LOOK_EVERY_MS, signal);
  }
}
