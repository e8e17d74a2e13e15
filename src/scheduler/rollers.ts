// Marks of dirty days become rollup jobs: one per user and day, however many marks. The marks stay; the job takes those
// that it has seen.

import type { JobRequest } from '../../queues/port.ts';
import { HOUR_MS, SECOND_MS } from '../core/duration.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { listDirtyDays, type DirtyDay } from '../store/maintenance-due.ts';
import type { SchedulerDeps } from './claim-due.ts';

export interface RollerOptions extends Omit<SchedulerDeps, 'costOf'> {
  /** Default 2 s. */
  readonly everyMs?: number;
  /** Days per pass; default 500. */
  readonly limit?: number;
}

/** A rollup that went to the dead letter is tried again after this. */
const DEAD_AGAIN_MS = HOUR_MS;

function rollupOf({ userId, day }: DirtyDay): JobRequest<'metrics.rollup'> {
  return { kind: 'metrics.rollup', payload: { userId, day }, uniqueKey: `${userId}:${day}`, userId };
}

/** Enqueues one bounded batch; number of days. */
export function rollDirtyDays({ db, queue, clock, limit = 500 }: RollerOptions): Promise<number> {
  const deadSince = new Date(clock.now().getTime() - DEAD_AGAIN_MS);
  return db.tx({ kind: 'none' }, async (tx) => {
    const days = await listDirtyDays(tx, deadSince, limit);
    if (days.length > 0) await queue.enqueueMany(days.map(rollupOf), { tx });
    return days.length;
  });
}

export function createRoller(options: RollerOptions): Loop {
  const { clock, log, everyMs = 2 * SECOND_MS } = options;
  const pass = async (): Promise<void> => void (await rollDirtyDays(options));
  return createLoop({ name: 'dirty-day-roller', everyMs, pass, log, clock });
}
