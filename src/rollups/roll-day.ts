// The handler of `metrics.rollup`: one local day of one user from its facts, under a lease of the marked day. Marks and result are
// one transaction: a mark is gone only when the day it stands for was recomputed with the fact behind it.

import { completed, discard } from '../../queues/outcome.ts';
import type { Handler } from '../../queues/port.ts';
import type { Clock } from '../core/clock.ts';
import type { Database } from '../db/database.ts';
import { takeDirtyMarks } from '../store/dirty-days.ts';
import { acquireDayLease, releaseLease } from '../store/stream-leases.ts';
import { lockDay, rollDay } from '../store/user-metrics.ts';
import { DAY_METRICS } from './definitions.ts';

export interface RollupDeps {
  /** Pool of the worker role. */
  readonly db: Database;
  readonly clock: Clock;
}

export function createRollupHandler({ db, clock }: RollupDeps): Handler<'metrics.rollup'> {
  return async ({ jobId, workerId, payload: { userId, day }, log }) => {
    const token = await acquireDayLease(db, { jobId, workerId, userId, day });
    if (token === null) return discard('nothing marks this day any more, or this worker was declared dead');
    try {
      const rolled = { userId, day, now: clock.now() };
      const result = await db.tx({ kind: 'lease', token }, async (tx) => {
        await lockDay(tx, rolled);
        // Marks first: a fact seen by a later statement than this one may be rolled up twice, never missed.
        const marks = await takeDirtyMarks(tx, userId, day);
        return { marks, facts: await rollDay(tx, rolled, DAY_METRICS) };
      });
      log.emit('rollup.day', { userId, day, ...result });
      return completed(result);
    } finally {
      await releaseLease(db, token);
    }
  };
}
