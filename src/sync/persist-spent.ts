// Storing what was got for a token that can be spent once: it lives nowhere else, so a database that is away is worth waiting for.

import { sleep } from '../core/async.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Database, Tx } from '../db/database.ts';

/**
 * The request that spends, and then the storing of its result: together below the two minutes for which others believe an
 * announcement. Neither ends with the job's signal, because an abort in between would throw a spent token away.
 */
export const SPEND_MS = 45_000;
const STORE_MS = 60_000;
const STORE_PAUSE_MS = 500;

/** `work` in a transaction under the lease, again while the database is away. Throws `db.*` after a minute. */
export async function persistSpent<T>(
  { db, clock }: { readonly db: Database; readonly clock: Clock },
  leaseToken: string,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.timeout(STORE_MS);
  for (const giveUpAt = clock.mono() + STORE_MS - STORE_PAUSE_MS; ;) {
    try {
      return await db.tx({ kind: 'lease', token: leaseToken }, work);
    } catch (error) {
      const passes = error instanceof AppError && error.code.startsWith('db.') && error.kind === 'transient';
      if (!passes || clock.mono() >= giveUpAt) throw error;
      await sleep(STORE_PAUSE_MS, signal);
    }
  }
}
