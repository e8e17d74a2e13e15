// What the history says, added up, for comparison with what really ended.

import type { Queryable } from '../../src/db/database.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { readThroughput, type Granularity } from '../../queues/history-read.ts';

export interface Ends {
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly retried: number;
}

/** Of the last day, out of minutes, hours or days. */
export async function endsOf(db: Queryable, queue: string, granularity: Granularity = 'minute'): Promise<Ends> {
  const to = new Date();
  const span = { queues: [queue], from: new Date(to.getTime() - DAY_MS), to, granularity };
  const points = await readThroughput(db, span);
  const sum = (end: keyof Ends): number => points.reduce((total, point) => total + point[end], 0);
  return { completed: sum('completed'), failed: sum('failed'), cancelled: sum('cancelled'), retried: sum('retried') };
}
