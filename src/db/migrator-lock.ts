// The lock that lets one migrator work at a time. It belongs to an open transaction and not to the session, which a pooler
// would hand to others with the lock on it.

import type { Client } from 'pg';
import { sleep } from '../core/async.ts';
import { AppError } from '../core/errors.ts';

/** Key of the advisory lock. */
const LOCK_KEY = 7_204_118;
const LOCK_POLL_MS = 200;

/** Opens the transaction that has the lock, waiting for another migrator up to `waitMs`. Throws `migration.locked`. */
export async function takeMigratorLock(holder: Client, signal: AbortSignal, waitMs: number): Promise<void> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    // Nothing but the end of the migrator ends this transaction.
    await holder.query('begin; set local idle_in_transaction_session_timeout = 0');
    const { rows } = await holder.query<{ locked: boolean }>('select pg_try_advisory_xact_lock($1) as locked', [
      LOCK_KEY,
    ]);
    if (rows[0]?.locked) return;
    // Whoever waits must not keep one of a pooler's few connections from the other.
    await holder.query('rollback');
    if (performance.now() > deadline) {
      throw new AppError(
        'migration.locked',
        `another migrator has been at work for more than ${Math.round(waitMs / 1_000)} s`,
      );
    }
    await sleep(LOCK_POLL_MS, signal);
  }
}
