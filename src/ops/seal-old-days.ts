// Seals a user's days whose messages are about to go: from then on their metrics are what they are, and what comes late is told beside
// them. Batch by batch under the lease of the user; killed anywhere, the next pass goes on.

import { dayIn } from '../core/calendar.ts';
import type { Database, Tx } from '../db/database.ts';
import { DAY_MODEL } from '../rollups/definitions.ts';
import { sealDays } from '../store/sealed-days.ts';
import { lockMetrics } from '../store/user-metrics.ts';
import { findUser } from '../store/users.ts';

export interface Sealing {
  /** Pool of the worker role. */
  readonly db: Database;
  readonly leaseToken: string;
  readonly userId: string;
  /** Days that this instant lies on or after, in the zone of the user. */
  readonly before: Date;
  readonly now: Date;
  /** Looked at between two batches: true ends the work. */
  readonly isOver: () => boolean;
}

/** More than can wait for a rollup at once: those are not sealed, and must not be all that is looked at. */
const BATCH_DAYS = 100;

async function sealBatch(tx: Tx, { userId, before, now }: Sealing): Promise<number> {
  await lockMetrics(tx, userId);
  const user = await findUser(tx, userId);
  if (user === null) return 0;
  const through = dayIn(user.timezone, before);
  const { sealed } = await sealDays(tx, { userId, through, now, limit: BATCH_DAYS }, DAY_MODEL);
  return sealed.length;
}

/** How many days were sealed; those that are marked, or whose facts changed since, wait for the next pass. */
export async function sealOldDays(sealing: Sealing): Promise<number> {
  const { db, leaseToken, isOver } = sealing;
  let total = 0;
  while (!isOver()) {
    const sealed = await db.tx({ kind: 'lease', token: leaseToken }, (tx) => sealBatch(tx, sealing));
    total += sealed;
    if (sealed === 0) break;
  }
  return total;
}
