// What an operator set for a queue, and what follows for claims: pause, a limit of jobs in hand, a rate of starts, each over
// all workers together. A queue without a row is not controlled, and costs a claim nothing. Setting them is in operate.ts.

import { systemClock, type Clock } from '../src/core/clock.ts';
import { SECOND_MS } from '../src/core/duration.ts';
import type { Queryable, Tx } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import { isDerivedQueue } from './catalog.ts';
import type { EngineDriver } from './driver.ts';
import type { QueueControls } from './port.ts';
import { allowedStarts, tatAfter, untilNextStartMs } from './start-rate.ts';

interface ControlRow {
  readonly queue: string;
  readonly pausedAt: Date | null;
  readonly concurrency: number | null;
  readonly max: number | null;
  readonly perMs: number | null;
  /** Unix milliseconds with fractions: a fast rate moves it by less than one. */
  readonly tatMs: number | null;
}

const COLUMNS = sql`
  queue, paused_at as "pausedAt", concurrency, rate_max as max, rate_per_ms::double precision as "perMs",
  (extract(epoch from rate_tat) * 1000)::double precision as "tatMs"`;

const rateOf = ({ max, perMs }: ControlRow): QueueControls['rate'] =>
  max === null || perMs === null ? null : { max, perMs };

function toControls(row: ControlRow): QueueControls {
  const { queue, pausedAt, concurrency } = row;
  return { queue, pausedAt, concurrency, rate: rateOf(row) };
}

const isControlled = ({ pausedAt, concurrency, rate }: QueueControls): boolean =>
  pausedAt !== null || concurrency !== null || rate !== null;

/** By queue; a queue that nothing was set for is absent. */
export async function readControls(db: Queryable): Promise<ReadonlyMap<string, QueueControls>> {
  const { rows } = await db.query<ControlRow>(sql`select ${COLUMNS} from queue_controls`);
  return new Map(
    rows
      .map(toControls)
      .filter(isControlled)
      .map((controls) => [controls.queue, controls]),
  );
}

export interface Reservation {
  /** What each of the asked queues may give at most. */
  readonly allowances: ReadonlyMap<string, number>;
  /** When a rate lets the next job start, in milliseconds; null when no rate is what holds us. */
  readonly againInMs: number | null;
}

export interface ReserveRequest {
  /** For queues whose jobs in hand the ledger does not know. */
  readonly driver: Pick<EngineDriver, 'list'>;
  readonly queues: readonly string[];
  /** Free hands of the caller. */
  readonly free: number;
  readonly now: Date;
}

/** Locked in one order, so that two claims of the same limited queues wait for each other instead of deadlocking. */
const LOCK_CONTROLS = sql`
select ${COLUMNS}
from queue_controls
where queue = any($1::text[])
  and (paused_at is not null or concurrency is not null or rate_max is not null)
order by queue
for update`;

const COUNT_ACTIVE = sql`
select queue, count(*)::integer as jobs
from job_ledger
where queue = any($1::text[])
  and state = 'active'
group by queue`;

/** Jobs in hand of queues with such a limit, counted no further than it. */
async function countActive(
  tx: Tx,
  driver: ReserveRequest['driver'],
  limited: readonly ControlRow[],
): Promise<ReadonlyMap<string, number>> {
  const known = limited.filter(({ queue }) => !isDerivedQueue(queue)).map(({ queue }) => queue);
  const counts = new Map<string, number>();
  if (known.length > 0) {
    const { rows } = await tx.query<{ queue: string; jobs: number }>(COUNT_ACTIVE, [known]);
    for (const { queue, jobs } of rows) counts.set(queue, jobs);
  }
  for (const { queue, concurrency } of limited) {
    if (!isDerivedQueue(queue)) continue;
    const inHand = await driver.list({ queues: [queue], states: ['active'], limit: concurrency ?? 1 });
    counts.set(queue, inHand.length);
  }
  return counts;
}

/**
 * What each queue may give now. Claim and `spendStarts` follow in the same transaction: its locks keep the claims of
 * limited queues one behind the other, so that two workers never take the same allowance.
 */
export async function reserveStarts(tx: Tx, { driver, queues, free, now }: ReserveRequest): Promise<Reservation> {
  const allowances = new Map(queues.map((queue) => [queue, free]));
  const { rows } = await tx.query<ControlRow>(LOCK_CONTROLS, [queues]);
  const running = rows.filter(({ pausedAt }) => pausedAt === null);
  const active = await countActive(
    tx,
    driver,
    running.filter(({ concurrency }) => concurrency !== null),
  );
  let againInMs: number | null = null;
  for (const row of rows) {
    const { queue, pausedAt, concurrency, tatMs } = row;
    const hands = concurrency === null ? free : Math.min(free, Math.max(0, concurrency - (active.get(queue) ?? 0)));
    const rate = rateOf(row);
    if (pausedAt !== null) allowances.set(queue, 0);
    else if (rate === null) allowances.set(queue, hands);
    else {
      const moment = { tatMs, nowMs: now.getTime() };
      const starts = Math.min(hands, allowedStarts(rate, moment));
      allowances.set(queue, starts);
      if (starts === hands) continue;
      const next = untilNextStartMs(rate, { ...moment, tatMs: tatAfter(rate, moment, starts) });
      againInMs = Math.min(againInMs ?? Infinity, next);
    }
  }
  return { allowances, againInMs };
}

/** Takes what was really started, by queue, from the rates. The caller holds the locks of `reserveStarts`. */
export async function spendStarts(tx: Tx, started: ReadonlyMap<string, number>, now: Date): Promise<void> {
  const spent = [...started].filter(([, jobs]) => jobs > 0);
  if (spent.length === 0) return;
  await tx.query(
    sql`
    update queue_controls c
    set rate_tat = greatest(c.rate_tat, $3::timestamptz)
      + make_interval(secs => s.jobs * c.rate_per_ms::double precision / c.rate_max / 1000)
    from unnest($1::text[], $2::integer[]) as s (queue, jobs)
    where c.queue = s.queue
      and c.rate_max is not null`,
    [spent.map(([queue]) => queue), spent.map(([, jobs]) => jobs), now],
  );
}

export interface ControlsCache {
  /** Of controlled queues only, so that an empty map means: claim without asking further. */
  read(): Promise<ReadonlyMap<string, QueueControls>>;
  /** The next `read` asks again. */
  invalidate(): void;
}

export interface ControlsCacheOptions {
  readonly db: Queryable;
  /** How long an answer is believed; default 1 s. */
  readonly everyMs?: number;
  readonly clock?: Pick<Clock, 'mono'>;
}

/** For a loop that asks again and again; one question to the database at a time is its caller's business. */
export function createControlsCache({
  db,
  everyMs = SECOND_MS,
  clock = systemClock,
}: ControlsCacheOptions): ControlsCache {
  let known: { readonly controls: ReadonlyMap<string, QueueControls>; readonly until: number } | undefined;
  let generation = 0;
  return {
    async read() {
      if (known !== undefined && clock.mono() < known.until) return known.controls;
      const asked = generation;
      const until = clock.mono() + everyMs;
      const controls = await readControls(db);
      // What was told while the question was on its way may not be in its answer.
      known = asked === generation ? { controls, until } : undefined;
      return controls;
    },
    invalidate() {
      generation += 1;
      known = undefined;
    },
  };
}
