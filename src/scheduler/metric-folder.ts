// Folds platform metrics: the minutes of an hour once it is over, the hours of a day once that is over. Whoever reads adds what is
// open, so nothing waits for this.

import type { Clock } from '../core/clock.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../core/duration.ts';
import type { Database } from '../db/database.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { foldAlone, type FoldedPeriod, type FoldPlace } from '../store/metric-fold.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface MetricFolderDeps {
  /** Pool of the scheduler role. */
  readonly db: Database;
  readonly clock: Clock;
  readonly log: EventLog;
}

const EVERY_MS = MINUTE_MS;
/** Rows per statement, and statements per pass: what is left is there in a minute. */
const ROWS = 1_000;
const BATCHES = 200;

/** How long after its end a period is folded: workers hand over what they counted once a minute. */
const SETTLED_MS = 2 * MINUTE_MS;

const LONGER_MS: Readonly<Record<FoldedPeriod, number>> = { minute: HOUR_MS, hour: DAY_MS };

/** The begin of the longer period that is not over yet, or only just. Periods begin in UTC. */
export function foldedBefore(period: FoldedPeriod, now: Date): Date {
  const longerMs = LONGER_MS[period];
  return new Date(Math.floor((now.getTime() - SETTLED_MS) / longerMs) * longerMs);
}

export interface FoldPass {
  readonly signal: AbortSignal;
  /** Default 1,000. */
  readonly rows?: number;
}

/** Folds what can be folded, minutes first; how many rows. */
export async function foldSettled(
  { db, clock }: Pick<MetricFolderDeps, 'db' | 'clock'>,
  { signal, rows: limit = ROWS }: FoldPass,
): Promise<number> {
  let total = 0;
  for (const period of ['minute', 'hour'] as const) {
    const before = foldedBefore(period, clock.now());
    let after: FoldPlace | null = null;
    for (let batch = 0; batch < BATCHES && !signal.aborted; batch++) {
      const folded: Awaited<ReturnType<typeof foldAlone>> = await foldAlone(db, { period, before, after, limit });
      total += folded.rows;
      after = folded.last;
      if (folded.rows < limit) break;
    }
  }
  return total;
}

export function createMetricFolder(deps: MetricFolderDeps): Loop {
  const { clock, log } = deps;
  const pass = async (signal: AbortSignal): Promise<void> => void (await foldSettled(deps, { signal }));
  return createLoop({ name: 'metric-folder', everyMs: EVERY_MS, pass, log, clock, jitter: 0.2 });
}
