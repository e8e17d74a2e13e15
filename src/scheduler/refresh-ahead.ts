// Refreshes credentials before a run needs them, and those of idle accounts before the platform forgets the grant.

import type { JobRequest } from '../../queues/port.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../core/duration.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { listStaleCredentials, type StaleCredential } from '../store/maintenance-due.ts';
import type { SchedulerDeps } from './claim-due.ts';

export interface RefreshAheadOptions extends Omit<SchedulerDeps, 'costOf'> {
  /** Default 1 minute. */
  readonly everyMs?: number;
  /** Refresh when less than this is left, in milliseconds; default 10 minutes. */
  readonly aheadMs?: number;
  /** Refresh what has not changed for longer, in milliseconds; default 10 days (Upwork ends grants after two weeks). */
  readonly idleMs?: number;
  /** Jobs per pass; default 200. */
  readonly limit?: number;
}

const FAILED_AGAIN_MS = HOUR_MS;

function refreshOf({ integrationId, userId }: StaleCredential): JobRequest<'credential.refresh'> {
  return { kind: 'credential.refresh', payload: { integrationId }, uniqueKey: integrationId, userId };
}

/** Enqueues one bounded batch; number of credentials. */
export function refreshAhead(options: RefreshAheadOptions): Promise<number> {
  const { db, queue, clock, aheadMs = 10 * MINUTE_MS, idleMs = 10 * DAY_MS, limit = 200 } = options;
  const now = clock.now().getTime();
  return db.tx({ kind: 'none' }, async (tx) => {
    const stale = await listStaleCredentials(tx, {
      expiresBefore: new Date(now + aheadMs),
      unchangedSince: new Date(now - idleMs),
      failedSince: new Date(now - FAILED_AGAIN_MS),
      limit,
    });
    if (stale.length > 0) await queue.enqueueMany(stale.map(refreshOf), { tx });
    return stale.length;
  });
}

export function createRefreshAhead(options: RefreshAheadOptions): Loop {
  const { clock, log, everyMs = MINUTE_MS } = options;
  const pass = async (): Promise<void> => void (await refreshAhead(options));
  return createLoop({ name: 'credential-refresh-ahead', everyMs, pass, log, clock });
}
