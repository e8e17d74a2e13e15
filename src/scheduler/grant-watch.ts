// Looks after grants: tells, once at three days and once at one, that a grant which nobody renewed will end, and ends exchanges
// that nobody finished. Several schedulers may do so at once; each notice is one of them's.

import type { Clock } from '../core/clock.ts';
import { DAY_MS, MINUTE_MS } from '../core/duration.ts';
import type { Database } from '../db/database.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { expireExchanges, markGrantNotices, pruneExchanges } from '../store/grants.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface GrantWatchDeps {
  /** Pool of the scheduler role. */
  readonly db: Database;
  readonly clock: Clock;
  readonly log: EventLog;
  /** How long an unused grant lives at each platform that gives any, in milliseconds. */
  readonly grantIdleMs: ReadonlyMap<string, number>;
}

const EVERY_MS = MINUTE_MS;
/** Days left, the nearest end first: whoever hears of one day need not hear of three. */
const NOTICE_DAYS = [1, 3] as const;
const LIMIT = 500;
/** What came to nothing is of no interest after a month. */
const KEEP_ENDED_MS = 30 * DAY_MS;

/** Notices that were given. */
export async function noticeGrants({ db, clock, log, grantIdleMs }: GrantWatchDeps): Promise<number> {
  const now = clock.now().getTime();
  let given = 0;
  for (const [platformId, idleMs] of grantIdleMs) {
    const overBefore = new Date(now - idleMs);
    for (const days of NOTICE_DAYS) {
      const rotatedBefore = new Date(now - idleMs + days * DAY_MS);
      const question = { platformId, days, rotatedBefore, overBefore, limit: LIMIT };
      for (const { integrationId, userId, rotatedAt } of await markGrantNotices(db, question)) {
        const grantExpiresAt = new Date(rotatedAt.getTime() + idleMs).toISOString();
        log.emit('grant.expiring', { integrationId, userId, daysLeft: days, grantExpiresAt });
        given += 1;
      }
    }
  }
  return given;
}

export function createGrantWatch(deps: GrantWatchDeps): Loop {
  const { db, clock, log } = deps;
  return createLoop({
    name: 'grant-watch',
    everyMs: EVERY_MS,
    async pass() {
      const now = clock.now();
      await noticeGrants(deps);
      await expireExchanges(db, now, LIMIT);
      await pruneExchanges(db, new Date(now.getTime() - KEEP_ENDED_MS), LIMIT);
    },
    log,
    clock,
  });
}
