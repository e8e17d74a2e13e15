// The zone in which a user's days begin, held against a change while a transaction marks days in it. Whoever changes the zone looks at
// all facts afterwards: either it sees those of a page, or the page has the new zone.

import { AppError } from '../core/errors.ts';
import type { Queryable } from '../db/database.ts';

/** Until the end of the transaction. Throws `not_found` when the user is gone. */
export async function holdTimezone(tx: Queryable, userId: string): Promise<string> {
  const { rows } = await tx.query<{ timezone: string | null }>('select hold_timezone($1) as timezone', [userId]);
  const timezone = rows[0]?.timezone ?? null;
  if (timezone === null) throw new AppError('not_found', `expected user ${userId} to be there`);
  return timezone;
}

/** Waits for transactions that hold the zone, and holds back the next ones. Before the change. */
export async function lockTimezone(tx: Queryable, userId: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('timezone ' || $1::text, 0))`, [userId]);
}
