// Asks for passes over users' copies of what belongs to platforms, when there is a limit on their age, and over their days when
// messages are not kept for ever. Sees none of them itself: this role may not read them.

import type { JobRequest } from '../../queues/port.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../core/duration.ts';
import { PLATFORM_IDS } from '../core/platforms.ts';
import { passEveryMs, type RetentionLimits } from '../core/retention.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { listDuePasses } from '../store/maintenance-due.ts';
import type { SchedulerDeps } from './claim-due.ts';

export interface RetentionOptions extends Omit<SchedulerDeps, 'costOf'> {
  readonly limits: RetentionLimits;
  /** Messages go some day, so the days that are computed from them are sealed before. */
  readonly sealsDays?: boolean;
  /** Jobs per transaction; default 1,000. */
  readonly limit?: number;
}

const EVERY_MS = MINUTE_MS;
const BATCH = 1_000;
const MAX_BATCHES = 20;
const DEAD_AGAIN_MS = HOUR_MS;

function passOf(userId: string): JobRequest<'maintenance.retention'> {
  return { kind: 'maintenance.retention', payload: { userId }, uniqueKey: userId, userId };
}

/** Enqueues one bounded batch; number of users. */
export async function enqueueDuePasses(options: RetentionOptions): Promise<number> {
  const { db, queue, clock, limits, sealsDays = false, limit = BATCH } = options;
  const everyMs = passEveryMs(limits) ?? (sealsDays ? DAY_MS : null);
  if (everyMs === null) return 0;
  const now = clock.now().getTime();
  return await db.tx({ kind: 'none' }, async (tx) => {
    const due = await listDuePasses(tx, {
      platforms: sealsDays ? PLATFORM_IDS : Object.keys(limits),
      passedBefore: new Date(now - everyMs),
      deadSince: new Date(now - DEAD_AGAIN_MS),
      limit,
    });
    if (due.length > 0) await queue.enqueueMany(due.map(passOf), { tx });
    return due.length;
  });
}

export function createRetention(options: RetentionOptions): Loop {
  const { clock, log, limit = BATCH } = options;
  const pass = async (signal: AbortSignal): Promise<void> => {
    // What is left after the last batch is due in a minute.
    for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++)
      if ((await enqueueDuePasses(options)) < limit) return;
  };
  return createLoop({ name: 'retention', everyMs: EVERY_MS, pass, log, clock });
}
