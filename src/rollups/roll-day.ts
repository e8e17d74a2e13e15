// The handler of `metrics.rollup`: marked local days of one user from his facts, under a lease of one of these days. Marks and result are
// one transaction: a mark is gone only when the day it stands for was recomputed with the fact behind it.

import { completed, discard } from '../../queues/outcome.ts';
import type { Handler } from '../../queues/port.ts';
import type { Clock } from '../core/clock.ts';
import type { Database, Tx } from '../db/database.ts';
import { adjustSealedDays } from '../store/adjustments.ts';
import { listMarkedDays, takeDirtyMarks } from '../store/dirty-days.ts';
import type { MetricModel } from '../store/metric-model.ts';
import { acquireDayLease, releaseLease } from '../store/stream-leases.ts';
import { lockMetrics, rollDays, type RolledDays } from '../store/user-metrics.ts';
import { DAY_MODEL } from './definitions.ts';

export interface RollupDeps {
  /** Pool of the worker role. */
  readonly db: Database;
  readonly clock: Clock;
  /** Default: `DAY_MODEL`. */
  readonly model?: MetricModel;
}

/** Of one job; others of the user wait for the next one. */
const MOST_DAYS = 200;

export interface Rollup {
  readonly days: number;
  readonly marks: number;
  readonly facts: number;
  /** Adjustments that the sealed ones among the days have. */
  readonly adjustments: number;
}

/** Takes the marks of the days and recomputes them; what came for sealed ones becomes adjustments. */
export async function rollMarked(tx: Tx, rolled: RolledDays, model: MetricModel): Promise<Rollup> {
  const { userId, days } = rolled;
  await lockMetrics(tx, userId);
  // Marks first: a fact seen by a later statement than this one may be rolled up twice, never missed.
  const marks = await takeDirtyMarks(tx, userId, days);
  const open = await rollDays(tx, rolled, model);
  const written = new Set(open.map(({ date }) => date));
  const sealed = days.filter((day) => !written.has(day));
  const adjustments = sealed.length === 0 ? 0 : await adjustSealedDays(tx, { ...rolled, days: sealed }, model);
  return { days: days.length, marks, facts: open.reduce((sum, row) => sum + row.input_count, 0), adjustments };
}

export function createRollupHandler({ db, clock, model = DAY_MODEL }: RollupDeps): Handler<'metrics.rollup'> {
  return async ({ jobId, workerId, attempt, payload: { userId, day }, log }) => {
    const token = await acquireDayLease(db, { jobId, workerId, userId, day });
    if (token === null) return discard('nothing marks this day any more, or this worker was declared dead');
    try {
      const result = await db.tx({ kind: 'lease', token }, async (tx) => {
        // After a failure the day is alone, so that one that cannot be computed does not keep the others waiting.
        const others = attempt === 1 ? await listMarkedDays(tx, userId, MOST_DAYS) : [];
        return await rollMarked(tx, { userId, days: [...new Set([...others, day])], now: clock.now() }, model);
      });
      log.emit('rollup.day', { userId, day, ...result });
      return completed({ ...result });
    } finally {
      await releaseLease(db, token);
    }
  };
}
