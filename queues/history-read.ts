// Reading the history of queues: minutes, throughput and latency over a stretch of time. Every answer is bounded by what is
// kept. `queues` null means all of them together: counts added, ages by their worst. Latency is in history-latency.ts.

import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/core/duration.ts';
import type { Queryable } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import type { QueueEnd } from './history.ts';

/** How long minutes and hours are kept. */
export const KEEP_MINUTES_MS = 3 * DAY_MS;
export const KEEP_HOURS_MS = 90 * DAY_MS;

export type Granularity = 'minute' | 'hour' | 'day';

export const GRANULARITY_MS: Readonly<Record<Granularity, number>> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };

export interface HistorySpan {
  readonly queues: readonly string[] | null;
  /** Both inclusive: periods that begin in between, that of `from` included. Periods begin in UTC. */
  readonly from: Date;
  readonly to: Date;
  readonly granularity: Granularity;
}

export interface HistoryPoint extends Readonly<Record<QueueEnd, number>> {
  readonly start: Date;
  /** How long the job waited that had waited longest, in milliseconds; 0: none was seen waiting. */
  readonly oldestReadyMs: number;
}

/** Which rows a span is made of, and from when to when: no further than rows are kept. */
export function rowsOfSpan({ from, to, granularity }: Omit<HistorySpan, 'queues'>) {
  const period = granularity === 'minute' ? 'minute' : 'hour';
  const stepMs = GRANULARITY_MS[granularity];
  const keptMs = period === 'minute' ? KEEP_MINUTES_MS : KEEP_HOURS_MS;
  const toMs = Math.floor(to.getTime() / stepMs) * stepMs;
  const fromMs = Math.max(Math.floor(from.getTime() / stepMs) * stepMs, toMs - keptMs);
  // The last period is in it as a whole.
  return { period, stepMs, from: new Date(fromMs), last: new Date(toMs), before: new Date(toMs + stepMs) };
}

const COUNTS = sql`
  coalesce(sum(h.completed), 0)::double precision as completed, coalesce(sum(h.failed), 0)::double precision as failed,
  coalesce(sum(h.cancelled), 0)::double precision as cancelled, coalesce(sum(h.retried), 0)::double precision as retried,
  coalesce(max(h.oldest_ready_ms), 0) as "oldestReadyMs"`;

/**
 * Oldest first, periods in which nothing happened included, from the first one on that anything is known of: before that
 * nobody counted, which is not the same as nothing.
 */
export async function readThroughput(db: Queryable, span: HistorySpan): Promise<readonly HistoryPoint[]> {
  const { period, stepMs, from, last, before } = rowsOfSpan(span);
  const { rows } = await db.query<HistoryPoint>(
    sql`
    with rows as (
      select date_bin($1 * interval '1 millisecond', r.period_start, 'epoch') as start, r.*
      from queue_history r
      where r.period = $2
        and r.period_start >= $3
        and r.period_start < $5
        and ($6::text[] is null or r.queue = any($6))
    )
    select s.start, ${COUNTS}
    from generate_series(
      (
        select greatest($3, date_bin($1 * interval '1 millisecond', min(period_start), 'epoch'))
        from queue_history
        where period = $2
        -- Without it the bound of an empty history would be its own beginning.
        having min(period_start) is not null
      ),
      $4, $1 * interval '1 millisecond'
    ) as s (start)
    left join rows h on h.start = s.start
    group by s.start
    order by s.start`,
    [stepMs, period, from, last, before, span.queues],
  );
  return rows;
}

/** The minute of `now` and those before it, oldest first; minutes in which nothing happened, or nobody counted, are zero. */
export async function readMinutes(
  db: Queryable,
  queues: readonly string[] | null,
  count: number,
  now: Date,
): Promise<readonly HistoryPoint[]> {
  const lastMs = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS;
  const bounded = Math.min(Math.max(1, count), KEEP_MINUTES_MS / MINUTE_MS);
  const { rows } = await db.query<HistoryPoint>(
    sql`
    select s.start, ${COUNTS}
    from generate_series($1::timestamptz, $2, interval '1 minute') as s (start)
    left join queue_history h on h.period = 'minute'
      and h.period_start = s.start
      and ($3::text[] is null or h.queue = any($3))
    group by s.start
    order by s.start`,
    [new Date(lastMs - (bounded - 1) * MINUTE_MS), new Date(lastMs), queues],
  );
  return rows;
}
