// The board's charts over the history of queues in Postgres: throughput and latency by hour or day, the last minutes of one
// queue, what the history takes, and how to clear it. The series of a dead letter is the deaths of its queue.

import type {
  MetricsHistoryPoint,
  MetricsHistoryProvider,
  MetricsHistoryPurgeOptions,
  MetricsHistoryQuery,
  MetricsLatencyPoint,
  MetricsLatencyQuery,
  MetricsType,
  QueueMetrics,
} from '@bull-board/api/dist/types.js';
import type { Clock } from '../../core/clock.ts';
import { DAY_MS } from '../../core/duration.ts';
import type { Database } from '../../db/database.ts';
import { queueOfDeadLetter } from '../../../queues/catalog.ts';
import { readLatency } from '../../../queues/history-latency.ts';
import { readMinutes, readThroughput, type HistoryPoint } from '../../../queues/history-read.ts';
import { purgeHistory, readHistoryUsage } from '../../../queues/history-upkeep.ts';
import { boardUsage } from './history-usage.ts';

export interface HistoryDeps {
  /** Pool of the api role. */
  readonly db: Database;
  readonly clock: Clock;
}

/** What the board draws when it names no stretch. */
const DEFAULT_MINUTES = 60;
const PURGE_ROWS = 5_000;
/** More than there can be. */
const PURGE_BATCHES = 100;

const VALUE: Readonly<Record<MetricsHistoryQuery['metric'], (point: HistoryPoint) => number>> = {
  completed: ({ completed }) => completed,
  failed: ({ failed }) => failed,
  queueage: ({ oldestReadyMs }) => Math.round(oldestReadyMs),
};

/** Any number can come from a query string; there is no history before 1970, nor after tomorrow. */
function instantOf(ms: number, { clock }: HistoryDeps): Date {
  return new Date(Math.min(Math.max(0, ms), clock.now().getTime() + DAY_MS));
}

/** Nobody completes in a dead letter, and nothing waits there. */
const isOfDead = (name: string | undefined): boolean => name !== undefined && queueOfDeadLetter(name) !== null;

const queuesOf = (name: string | undefined): readonly string[] | null =>
  name === undefined ? null : [queueOfDeadLetter(name) ?? name];

async function history(deps: HistoryDeps, query: MetricsHistoryQuery): Promise<MetricsHistoryPoint[]> {
  const { queue, metric, from, to, granularity } = query;
  if (isOfDead(queue) && metric !== 'failed') return [];
  const span = { from: instantOf(from, deps), to: instantOf(to, deps), granularity };
  const points = await readThroughput(deps.db, { ...span, queues: queuesOf(queue) });
  return points.map((point) => ({ ts: point.start.getTime(), value: VALUE[metric](point) }));
}

async function latency(deps: HistoryDeps, query: MetricsLatencyQuery): Promise<MetricsLatencyPoint[]> {
  const { queue, metric, from, to, granularity, percentiles } = query;
  if (isOfDead(queue)) return [];
  const points = await readLatency(deps.db, {
    queues: queuesOf(queue),
    metric: metric === 'runtime' ? 'run' : 'wait',
    from: instantOf(from, deps),
    to: instantOf(to, deps),
    percentiles,
    ...(granularity === 'range' ? { granularity: 'hour', merged: true } : { granularity }),
  });
  return points.map(({ start, count, values }) => ({
    ts: start.getTime(),
    count,
    values: Object.fromEntries(percentiles.map((percentile, index) => [String(percentile), values[index]!])),
  }));
}

async function purge({ db }: HistoryDeps, { queue, before }: MetricsHistoryPurgeOptions): Promise<number> {
  if (isOfDead(queue)) return 0;
  const what = { queue: queue ?? null, before: before === undefined ? null : new Date(before), limit: PURGE_ROWS };
  let removed = 0;
  for (let batch = 0; batch < PURGE_BATCHES; batch++) {
    const gone = await purgeHistory(db, what);
    removed += gone;
    if (gone < PURGE_ROWS) break;
  }
  return removed;
}

/** For `createBullBoard({options: {historyProvider}})`. */
export function createHistoryProvider(deps: HistoryDeps): Required<MetricsHistoryProvider> {
  return {
    getHistory: (query) => history(deps, query),
    getLatency: (query) => latency(deps, query),
    getUsage: async () => boardUsage(await readHistoryUsage(deps.db)),
    async purge(options) {
      const rows = await purge(deps, options);
      // A row of ours is one field of one key in the board's words.
      return { keysDeleted: rows, fieldsDeleted: rows };
    },
  };
}

/** The adapter's `getMetrics(type, start, end)` for the queue (or dead letter) of this name. */
export type MinuteMetrics = (name: string, type: MetricsType, start?: number, end?: number) => Promise<QueueMetrics>;

/**
 * As BullMQ tells them: `data` is one number per full minute, the newest first; what the running minute has so far is the
 * difference of the two counts in `meta`. The counts begin with the stretch that was asked for.
 */
export function createMinuteMetrics({ db, clock }: HistoryDeps): MinuteMetrics {
  return async (name, type, start = 0, end = -1) => {
    const now = clock.now();
    if (isOfDead(name) && type === 'completed')
      return { meta: { count: 0, prevTS: now.getTime(), prevCount: 0 }, data: [], count: 0 };
    const minutes = end < 0 ? DEFAULT_MINUTES : end + 1;
    const points = await readMinutes(db, queuesOf(name), minutes + 1, now);
    const [current, ...data] = points.map(VALUE[type]).toReversed();
    const prevCount = data.reduce((sum, jobs) => sum + jobs, 0);
    return {
      meta: { count: prevCount + current!, prevTS: now.getTime(), prevCount },
      data: data.slice(Math.max(0, start)),
      count: data.length,
    };
  };
}
