// Facts about this installation, by key. Only the scheduler and the owner may write them.

import { AppError } from '../core/errors.ts';
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

/** The queue engine that this installation runs on; null before the first start. */
export async function readEngine(db: Queryable): Promise<string | null> {
  const value = await readSetting(db, ENGINE);
  return typeof value === 'string' ? value : null;
}

/**
 * Records the engine of a first start and compares it afterwards: two engines on one ledger would run every job twice.
 * Throws `config.invalid` when another one is recorded.
 */
export async function claimEngine(db: Queryable, engine: string, now: Date): Promise<void> {
  await db.query(
    sql`
    insert into settings (key, value, updated_at)
    values ($1, $2, $3)
    on conflict (key) do nothing`,
    [ENGINE, JSON.stringify(engine), now],
  );
  const recorded = await readEngine(db);
  if (recorded === engine) return;
  throw new AppError(
    'config.invalid',
    `expected the queue engine ${String(recorded)} that this database was started with, got ${engine}`,
    { details: { recorded, configured: engine } },
  );
}
