// The board's charts over the history of queues in Postgres: throughput and latency by hour or day, the last minutes of one
// queue, what the history takes, and how to clear it. The series of a dead letter is the deaths of its queue.

import type { MetricsHistoryProvider, MetricsType, QueueMetrics } from '@bull-board/api/dist/types.js';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { Database } from '../../db/database.ts';

export interface HistoryDeps {
  /** Pool of the api role. */
  readonly db: Database;
  readonly clock: Clock;
}

/** For `createBullBoard({options: {historyProvider}})`. */
export function createHistoryProvider(_deps: HistoryDeps): Required<MetricsHistoryProvider> {
  throw new AppError('internal', 'not built yet');
}

/** The adapter's `getMetrics(type, start, end)` for the queue (or dead letter) of this name. */
export type MinuteMetrics = (name: string, type: MetricsType, start?: number, end?: number) => Promise<QueueMetrics>;

export function createMinuteMetrics(_deps: HistoryDeps): MinuteMetrics {
  throw new AppError('internal', 'not built yet');
}
