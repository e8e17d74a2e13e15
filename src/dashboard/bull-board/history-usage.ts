// What the history takes, in the form of the board's storage panel: by queue and tier. A row of ours counts as a key; days
// are made of hours when they are read and take nothing.

import type {
  MetricsHistoryQueueUsage,
  MetricsHistoryTierUsage,
  MetricsHistoryUsage,
} from '@bull-board/api/dist/types.js';
import type { HistoryUsage } from '../../../queues/history-upkeep.ts';

function total(rows: readonly HistoryUsage[]): MetricsHistoryTierUsage {
  return {
    keys: rows.reduce((sum, row) => sum + row.rows, 0),
    bytes: rows.reduce((sum, row) => sum + row.bytes, 0),
  };
}

function tiersOf(rows: readonly HistoryUsage[]): MetricsHistoryUsage['tiers'] {
  const of = (tier: HistoryUsage['period']): MetricsHistoryTierUsage =>
    total(rows.filter(({ period }) => period === tier));
  return { minute: of('minute'), hour: of('hour'), day: { keys: 0, bytes: 0 } };
}

const daysOf = (rows: readonly HistoryUsage[]): string[] => [...new Set(rows.map(({ day }) => day))].sort();

function queueUsage(queue: string, rows: readonly HistoryUsage[]): MetricsHistoryQueueUsage {
  const tiers = tiersOf(rows);
  return { queue, ...total(rows), minutes: tiers.minute.keys, days: daysOf(rows), tiers };
}

export function boardUsage(rows: readonly HistoryUsage[]): MetricsHistoryUsage {
  const tiers = tiersOf(rows);
  const days = daysOf(rows);
  const queues = [...new Set(rows.map(({ queue }) => queue))];
  return {
    ...total(rows),
    minutes: tiers.minute.keys,
    oldestDay: days[0] ?? null,
    newestDay: days.at(-1) ?? null,
    tiers,
    queues: queues.map((queue) =>
      queueUsage(
        queue,
        rows.filter((row) => row.queue === queue),
      ),
    ),
  };
}
