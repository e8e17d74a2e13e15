// Looks after grants: tells, once for each of a few days before, that one will end unless somebody renews it, and ends exchanges
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
  /** Platform → how long an unused grant lives, in milliseconds; null: its credentials say when they end. */
  readonly grantIdleMs: ReadonlyMap<string, number | null>;
}

const EVERY_MS = MINUTE_MS;
/** Days left, the nearest end first: whoever hears of one day need not hear of three. */
const NOTICE_DAYS = [1, 3] as const;
/** Of a credential that a person must make anew, and often ask others for. */
const EXPIRY_NOTICE_DAYS = [1, 7, 30] as const;
const LIMIT = 500;
/** What came to nothing is of no interest after a month. */
const KEEP_ENDED_MS = 30 * DAY_MS;

/** Notices that were given. */
export async function noticeGrants({ db, clock, log, grantIdleMs }: GrantWatchDeps): Promise<number> {
  const now = clock.now();
  let given = 0;
  for (const [platformId, idleMs] of grantIdleMs) {
    for (const days of idleMs === null ? EXPIRY_NOTICE_DAYS : NOTICE_DAYS) {
      const question = { platformId, idleMs, days, now, limit: LIMIT };
      for (const { integrationId, userId, endsAt } of await markGrantNotices(db, question)) {
        const grantExpiresAt = endsAt.toISOString();
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
