// Pausing, resuming and limiting queues: the operator's side. What it means for claims is in controls.ts.

import type { Clock } from '../src/core/clock.ts';
import { DAY_MS } from '../src/core/duration.ts';
import { AppError } from '../src/core/errors.ts';
import type { Database, Queryable, Tx } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import { QUEUES, requireQueue } from './catalog.ts';
import { readControls } from './controls.ts';
import type { EngineDriver } from './driver.ts';
import type { JobQueue, QueueControls } from './port.ts';

export interface OperateDeps {
  readonly db: Database;
  readonly driver: Pick<EngineDriver, 'wake'>;
  readonly clock: Clock;
}

const MAX_CONCURRENCY = 100_000;
const MAX_STARTS = 1_000_000;
const MAX_PERIOD_MS = 31 * DAY_MS;

/** A queue that is paused already keeps its time. */
async function writePause(
  db: Queryable,
  queue: string,
  { pausedAt, now }: { readonly pausedAt: Date | null; readonly now: Date },
): Promise<void> {
  await db.query(
    sql`
    insert into queue_controls as c (queue, paused_at, updated_at)
    values ($1, $2, $3)
    on conflict (queue) do update
    set paused_at = case when $2::timestamptz is null then null else coalesce(c.paused_at, $2) end, updated_at = $3`,
    [queue, pausedAt, now],
  );
}

type QueueLimits = Parameters<JobQueue['limit']>[1];

/** A rate that differs from the one before begins full. */
async function writeLimits(db: Queryable, queue: string, limits: QueueLimits, now: Date): Promise<void> {
  const { concurrency, rate } = limits;
  await db.query(
    sql`
    insert into queue_controls as c (queue, concurrency, rate_max, rate_per_ms, updated_at)
    values ($1, $3::integer, $5::integer, $6::bigint, $7)
    on conflict (queue) do update
    set concurrency = case when $2 then $3 else c.concurrency end,
      rate_max = case when $4 then $5 else c.rate_max end,
      rate_per_ms = case when $4 then $6 else c.rate_per_ms end,
      rate_tat = case
        when $4 and (c.rate_max, c.rate_per_ms) is distinct from ($5::integer, $6::bigint) then null
        else c.rate_tat
      end,
      updated_at = $7`,
    [
      queue,
      concurrency !== undefined,
      concurrency ?? null,
      rate !== undefined,
      rate?.max ?? null,
      rate?.perMs ?? null,
      now,
    ],
  );
}

function requireWhole(what: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new AppError('usage.invalid', `${what}: expected a whole number from 1 to ${most}, got ${value}`);
}

function requireLimits({ concurrency, rate }: QueueLimits): void {
  if (typeof concurrency === 'number') requireWhole('concurrency', concurrency, MAX_CONCURRENCY);
  if (rate === undefined || rate === null) return;
  requireWhole('starts of a rate', rate.max, MAX_STARTS);
  requireWhole('milliseconds of a rate', rate.perMs, MAX_PERIOD_MS);
}

const uncontrolled = (queue: string): QueueControls => ({ queue, pausedAt: null, concurrency: null, rate: null });

export function createOperate({
  db,
  driver,
  clock,
}: OperateDeps): Pick<JobQueue, 'pause' | 'resume' | 'limit' | 'controls'> {
  const change = (queue: string, write: (tx: Tx, now: Date) => Promise<void>): Promise<void> => {
    requireQueue(queue);
    return db.tx({ kind: 'none' }, async (tx) => {
      await write(tx, clock.now());
      await driver.wake('controls', { tx });
    });
  };
  return {
    async pause(queue) {
      await change(queue, (tx, now) => writePause(tx, queue, { pausedAt: now, now }));
    },
    async resume(queue) {
      await change(queue, (tx, now) => writePause(tx, queue, { pausedAt: null, now }));
    },
    async limit(queue, limits) {
      requireLimits(limits);
      await change(queue, (tx, now) => writeLimits(tx, queue, limits, now));
    },
    async controls() {
      const set = await readControls(db);
      return QUEUES.map((queue) => set.get(queue) ?? uncontrolled(queue));
    },
  };
}
