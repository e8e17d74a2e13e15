// Closes days: when midnight has passed in a zone, the day that ended is marked for its users, so that it has a row also when nothing
// happened. Correct figures do not depend on it: each fact marks its own day, and a tick that was missed is not made up for.

import { SECOND_MS } from '../core/duration.ts';
import type { Clock } from '../core/clock.ts';
import type { Database } from '../db/database.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { markEndedDays } from '../store/dirty-days.ts';
import { listActiveZones } from '../store/users.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { nextFire } from './next-fire.ts';

export interface DayCloserOptions {
  /** Pool of the scheduler role. */
  readonly db: Database;
  readonly clock: Clock;
  readonly log: EventLog;
}

/** Where midnight is skipped it fires at the end of the gap, where it comes twice once; a minute late for clocks that differ. */
const MIDNIGHT = '1 0 * * *';
const LOOK_EVERY_MS = 30 * SECOND_MS;

/** When each zone closes its day next. */
export type Midnights = Map<string, Date>;

/** Marks the days that ended since the last look; the number of marks. A zone that is new here begins with its next midnight. */
export async function closeDays({ db, clock }: DayCloserOptions, midnights: Midnights): Promise<number> {
  const now = clock.now();
  const zones = await listActiveZones(db);
  const ended = zones.filter((zone) => {
    const at = midnights.get(zone);
    return at !== undefined && at <= now;
  });
  const marked = ended.length === 0 ? 0 : await markEndedDays(db, ended, now);
  const known = new Map(midnights);
  midnights.clear();
  for (const zone of zones) {
    const at = known.get(zone);
    midnights.set(zone, at !== undefined && at > now ? at : nextFire({ cron: MIDNIGHT, timezone: zone }, 0, now));
  }
  return marked;
}

export function createDayCloser(options: DayCloserOptions): Loop {
  const midnights: Midnights = new Map();
  const pass = async (): Promise<void> => void (await closeDays(options, midnights));
  return createLoop({ ...options, name: 'day-closer', everyMs: LOOK_EVERY_MS, pass });
}
