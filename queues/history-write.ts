// Adding to the history of queues. Rows merge: counts and sums add up, histograms add up bucket by bucket, and the age of
// the oldest waiting job keeps its worst. Every statement writes minutes and hours, in one order, so that two writers wait
// for each other instead of deadlocking.

import { HOUR_MS, MINUTE_MS } from '../src/core/duration.ts';
import type { Queryable } from '../src/db/database.ts';
import { mergedHistograms } from '../src/db/histograms.ts';
import { sql } from '../src/db/sql.ts';
import { emptyTally, mergeTally, type Durations, type QueueEnd, type Tally } from './history.ts';

const WAIT_HISTOGRAM = mergedHistograms('h.wait_histogram', 'excluded.wait_histogram');
const RUN_HISTOGRAM = mergedHistograms('h.run_histogram', 'excluded.run_histogram');

/** `$1`: rows as JSON. `from` may bring a condition for all of them. */
const addRows = (from: string): string => sql`
insert into queue_history as h
  (period, period_start, queue, completed, failed, cancelled, retried, wait_sum_ms, wait_min_ms, wait_max_ms, wait_histogram,
   run_sum_ms, run_min_ms, run_max_ms, run_histogram)
select i.period, i.start, i.queue, i.completed, i.failed, i.cancelled, i.retried, i."waitSum", i."waitMin", i."waitMax",
  i."waitHistogram", i."runSum", i."runMin", i."runMax", i."runHistogram"
from ${from} jsonb_to_recordset($1::jsonb) as i (
  period text, start timestamptz, queue text, completed bigint, failed bigint, cancelled bigint, retried bigint,
  "waitSum" double precision, "waitMin" double precision, "waitMax" double precision, "waitHistogram" bigint[],
  "runSum" double precision, "runMin" double precision, "runMax" double precision, "runHistogram" bigint[])
order by i.period, i.start, i.queue
on conflict (period, period_start, queue) do update
set completed = h.completed + excluded.completed,
  failed = h.failed + excluded.failed,
  cancelled = h.cancelled + excluded.cancelled,
  retried = h.retried + excluded.retried,
  wait_sum_ms = h.wait_sum_ms + excluded.wait_sum_ms,
  wait_min_ms = least(h.wait_min_ms, excluded.wait_min_ms),
  wait_max_ms = greatest(h.wait_max_ms, excluded.wait_max_ms),
  wait_histogram = ${WAIT_HISTOGRAM},
  run_sum_ms = h.run_sum_ms + excluded.run_sum_ms,
  run_min_ms = least(h.run_min_ms, excluded.run_min_ms),
  run_max_ms = greatest(h.run_max_ms, excluded.run_max_ms),
  run_histogram = ${RUN_HISTOGRAM}`;

const ADD = addRows('');

/** The writer's mark is set in the same statement: a batch that was added already adds nothing. */
const ADD_BATCH = sql`
with marked as (
  insert into queue_history_writers as w (id, batch, written_at)
  values ($2, $3, $4)
  on conflict (id) do update
  set batch = excluded.batch, written_at = excluded.written_at
  where w.batch < excluded.batch
  returning id
)
${addRows('marked cross join')}`;

const namesOf = (name: 'wait' | 'run', { sum, min, max, histogram }: Durations): Record<string, unknown> => ({
  [`${name}Sum`]: sum,
  [`${name}Min`]: min,
  [`${name}Max`]: max,
  [`${name}Histogram`]: histogram,
});

function rowOf(period: 'minute' | 'hour', { queue, startMs, wait, run, ...ends }: Tally): Record<string, unknown> {
  const start = new Date(startMs);
  return { period, start, queue, ...ends, ...namesOf('wait', wait), ...namesOf('run', run) };
}

function hoursOf(minutes: readonly Tally[]): readonly Tally[] {
  const hours = new Map<string, Tally>();
  for (const minute of minutes) {
    const startMs = Math.floor(minute.startMs / HOUR_MS) * HOUR_MS;
    const key = `${minute.queue} ${startMs}`;
    const hour = hours.get(key) ?? emptyTally(minute.queue, startMs);
    mergeTally(hour, minute);
    hours.set(key, hour);
  }
  return [...hours.values()];
}

function rowsOf(minutes: readonly Tally[]): string {
  const rows = [
    ...minutes.map((minute) => rowOf('minute', minute)),
    ...hoursOf(minutes).map((hour) => rowOf('hour', hour)),
  ];
  return JSON.stringify(rows);
}

export interface HistoryBatch {
  readonly writerId: string;
  /** Grows with every batch of this writer; the same batch comes again under the same number. */
  readonly number: number;
  /** No two of one queue and minute. */
  readonly minutes: readonly Tally[];
}

/** Adds a batch, once however often it is called. One statement. */
export async function addHistoryBatch(
  db: Queryable,
  { writerId, number, minutes }: HistoryBatch,
  now: Date,
): Promise<void> {
  await db.query(ADD_BATCH, [rowsOf(minutes), writerId, number, now]);
}

/** Jobs that end in the caller's transaction, without a worker's doing: counted when it commits. */
export async function countEnds(
  db: Queryable,
  end: QueueEnd,
  jobs: readonly { readonly queue: string }[],
  now: Date,
): Promise<void> {
  if (jobs.length === 0) return;
  const startMs = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS;
  const tallies = new Map<string, Tally>();
  for (const { queue } of jobs) {
    const tally = tallies.get(queue) ?? emptyTally(queue, startMs);
    tally[end] += 1;
    tallies.set(queue, tally);
  }
  await db.query(ADD, [rowsOf([...tallies.values()])]);
}

export interface QueueAge {
  readonly queue: string;
  readonly oldestReadyMs: number;
}

/** Keeps the worst age of each queue's minute and hour. */
export async function addQueueAges(db: Queryable, ages: readonly QueueAge[], now: Date): Promise<void> {
  if (ages.length === 0) return;
  await db.query(
    sql`
    insert into queue_history as h (period, period_start, queue, oldest_ready_ms)
    select p.period, date_bin(p.length, $3, 'epoch'), i.queue, i.age
    from unnest($1::text[], $2::double precision[]) as i (queue, age)
    cross join (values ('minute', interval '1 minute'), ('hour', interval '1 hour')) as p (period, length)
    order by 1, 2, 3
    on conflict (period, period_start, queue) do update
    set oldest_ready_ms = greatest(h.oldest_ready_ms, excluded.oldest_ready_ms)`,
    [ages.map(({ queue }) => queue), ages.map(({ oldestReadyMs }) => oldestReadyMs), now],
  );
}
