// Addresses that brought wrong tokens, counted by all api processes together.

import type { Database, Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export interface GuessCount {
  /** Wrong tokens since `since`. */
  readonly wrong: number;
  readonly since: Date;
  /** How often the address was locked out. */
  readonly locks: number;
  readonly lockedUntil: Date | null;
}

/** Until when the address is locked out; null: it is not. */
export async function lockedUntil(db: Queryable, address: string, now: Date): Promise<Date | null> {
  const { rows } = await db.query<{ until: Date }>(
    sql`
    select locked_until as until
    from door_guesses
    where address = $1
      and locked_until > $2`,
    [address, now],
  );
  return rows[0]?.until ?? null;
}

/** Counts a wrong token: `next` says what follows from what was counted before. The new count. */
export async function countGuess(
  db: Database,
  { address, now }: { readonly address: string; readonly now: Date },
  next: (before: GuessCount) => GuessCount,
): Promise<GuessCount> {
  return await db.tx({ kind: 'none' }, async (tx) => {
    await tx.query(
      sql`
      insert into door_guesses (address, wrong, since)
      values ($1, 0, $2)
      on conflict (address) do nothing`,
      [address, now],
    );
    const { rows } = await tx.query<GuessCount>(
      sql`
      select wrong, since, locks, locked_until as "lockedUntil"
      from door_guesses
      where address = $1
      for update`,
      [address],
    );
    const count = next(rows[0] ?? { wrong: 0, since: now, locks: 0, lockedUntil: null });
    await tx.query(
      sql`
      update door_guesses
      set wrong = $2, since = $3, locks = $4, locked_until = $5
      where address = $1`,
      [address, count.wrong, count.since, count.locks, count.lockedUntil],
    );
    return count;
  });
}

/** Forgets addresses that were quiet since `before`; how many. */
export async function pruneGuesses(db: Queryable, before: Date, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    sql`
    delete from door_guesses
    where address in (select address from door_guesses where since < $1 order by since limit $2)`,
    [before, limit],
  );
  return rowCount ?? 0;
}
