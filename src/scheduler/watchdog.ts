// Alarms on runs that never happened: streams whose time has passed, with nothing in hand. It only looks; whatever it
// finds means that scheduling itself is broken.

import type { Clock } from '../core/clock.ts';
import { MINUTE_MS } from '../core/duration.ts';
import type { Database } from '../db/database.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { listOverdueStreams, type OverdueStream } from '../store/due-streams.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface WatchdogOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: EventLog;
  /** How late a stream may be, in milliseconds; default 2 minutes. */
  readonly graceMs?: number;
  /** Default 30 s. */
  readonly everyMs?: number;
  /** Told after each look, also when nothing is late: the metric's hook. At most 100 streams. */
  readonly onOverdue?: (streams: readonly OverdueStream[]) => void;
}

const AT_MOST = 100;

export async function findOverdue(options: WatchdogOptions): Promise<readonly OverdueStream[]> {
  const { db, clock, log, graceMs = 2 * MINUTE_MS, onOverdue } = options;
  const before = new Date(clock.now().getTime() - graceMs);
  const overdue = await db.tx({ kind: 'none' }, (tx) => listOverdueStreams(tx, before, AT_MOST));
  onOverdue?.(overdue);
  if (overdue.length > 0)
    log.emit('schedule.overdue', {
      streams: overdue.length,
      oldest: overdue[0]!.nextSyncAt,
      examples: overdue.slice(0, 5).map(({ integrationId, stream }) => `${integrationId}:${stream}`),
    });
  return overdue;
}

export function createWatchdog(options: WatchdogOptions): Loop {
  const { clock, log, everyMs = MINUTE_MS / 2 } = options;
  const pass = async (): Promise<void> => void (await findOverdue(options));
  return createLoop({ name: 'schedule-watchdog', everyMs, pass, log, clock });
}
