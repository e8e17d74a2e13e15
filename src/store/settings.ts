// Facts about this installation, by key. Only the scheduler and the owner may write them; the first record of the queue
// engine is everybody's.

import { AppError } from '../core/errors.ts';
import { isQueueEngine, type QueueEngine } from '../core/queue-engines.ts';
import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

/** Undefined: never set. The caller checks the shape of what it reads. */
export async function readSetting(db: Queryable, key: string): Promise<unknown> {
  const { rows } = await db.query<{ value: unknown }>(
    sql`
    select value
    from settings
    where key = $1`,
    [key],
  );
  return rows[0]?.value;
}

export async function writeSetting(db: Queryable, key: string, value: unknown, now: Date): Promise<void> {
  await db.query(
    sql`
    insert into settings (key, value, updated_at)
    values ($1, $2, $3)
    on conflict (key) do update
      set value = excluded.value, updated_at = excluded.updated_at`,
    [key, JSON.stringify(value), now],
  );
}

const ENGINE = 'queue.engine';

function toEngine(value: unknown): QueueEngine | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && isQueueEngine(value)) return value;
  throw new AppError('config.invalid', `expected a known queue engine in the settings, got ${JSON.stringify(value)}`);
}

/** The queue engine that this installation runs on; null before the first start. */
export async function readEngine(db: Queryable): Promise<QueueEngine | null> {
  return toEngine(await readSetting(db, ENGINE));
}

/** What a process is told that is configured for another engine than the recorded one. */
export function engineMismatch(recorded: QueueEngine, configured: QueueEngine): AppError {
  const remedy =
    recorded === 'bullmq'
      ? 'set REDIS_URL as the other processes have it'
      : 'unset REDIS_URL, as the other processes have it';
  return new AppError(
    'config.invalid',
    `this installation runs its queue on ${recorded}, and this process is configured for ${configured}: ${remedy}, ` +
      `or move the queue with \`tidemark engine switch ${configured}\``,
    { details: { recorded, configured } },
  );
}

/**
 * Records the engine of a first start and compares it afterwards: two engines on one ledger would not see each other's
 * jobs. Any runtime role may call it. Throws `config.invalid` when another one is recorded.
 */
export async function claimEngine(db: Queryable, engine: QueueEngine): Promise<void> {
  const { rows } = await db.query<{ recorded: string }>(
    sql`
    select claim_queue_engine($1) as recorded`,
    [engine],
  );
  const recorded = toEngine(rows[0]?.recorded);
  if (recorded !== null && recorded !== engine) throw engineMismatch(recorded, engine);
}

/**
 * Makes `engine` the recorded one; for the scheduler's login. Answers how long it has been recorded, in milliseconds of
 * the database's clock: 0 when it was another one until now.
 */
export async function recordEngine(db: Queryable, engine: QueueEngine): Promise<number> {
  const { rows } = await db.query<{ ageMs: number }>(
    sql`
    insert into settings as s (key, value, updated_at)
    values ($1, $2, clock_timestamp())
    on conflict (key) do update
      set value = excluded.value,
        updated_at = case when s.value = excluded.value then s.updated_at else excluded.updated_at end
    returning greatest(0, extract(epoch from clock_timestamp() - updated_at) * 1000)::double precision as "ageMs"`,
    [ENGINE, JSON.stringify(engine)],
  );
  return rows[0]?.ageMs ?? 0;
}
