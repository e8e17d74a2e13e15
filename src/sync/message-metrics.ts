// Messages that came and went, as `platform_metrics`: counted after their transaction, so that a loss of metrics loses nothing
// else.

import { reportOf } from '../core/errors.ts';
import { MINUTE_MS } from '../core/duration.ts';
import type { Clock } from '../core/clock.ts';
import type { Database } from '../db/database.ts';
import { addPlatformMetrics, type MetricOwner, type MetricSample } from '../store/platform-metrics.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export type MessageCounts = Partial<Readonly<Record<'messages_sent' | 'messages_received', number>>>;

interface MetricsDeps {
  readonly db: Database;
  readonly clock: Clock;
}

interface Owned {
  readonly place: MetricOwner;
  readonly token: string;
}

/** Never throws. */
export async function noteMessages(
  { db, clock }: MetricsDeps,
  { place, token }: Owned,
  counts: MessageCounts,
  log: EventLog,
): Promise<void> {
  const minute = new Date(Math.floor(clock.now().getTime() / MINUTE_MS) * MINUTE_MS);
  const samples = Object.entries(counts).flatMap(([metricType, count]): MetricSample[] =>
    count === 0
      ? []
      : [{ metricType: metricType as keyof MessageCounts, minute, count, sum: count, min: 1, max: 1, histogram: [] }],
  );
  if (samples.length === 0) return;
  try {
    await db.tx({ kind: 'lease', token }, (tx) => addPlatformMetrics(tx, place, samples));
  } catch (error) {
    log.emit('metrics.lost', { error: reportOf(error) });
  }
}
