// Erases a user's copies of what belongs to platforms, batch by batch, each in a transaction of its own: killed anywhere, what
// is left is erased by the next attempt. Under the lease of one user, so it cannot reach another one's rows.

import type { Database, Tx } from '../db/database.ts';
import { listIntegrations } from '../store/integrations.ts';
import { eraseExpired, eraseExpiredRaw, holdPages, RAW_TABLE } from '../store/retention.ts';
import { addErased, type ErasedRows, type PlatformCache } from './expired-copies.ts';

export interface Erasure {
  /** Pool of the worker role. */
  readonly db: Database;
  readonly leaseToken: string;
  readonly userId: string;
  readonly caches: readonly PlatformCache[];
  /** Looked at between two batches: true ends the work. */
  readonly isOver: () => boolean;
  /** Told of each batch that erased something. */
  readonly onBatch?: (erased: ErasedRows) => void;
}

export interface Erased {
  readonly rows: readonly ErasedRows[];
  /** False: there is more, for another job. */
  readonly isComplete: boolean;
}

const MAX_ACCOUNTS = 1_000;
const BATCH_ROWS = 500;
/** Half a million rows; whatever has more goes on in another job. */
const MAX_BATCHES = 1_000;

/** One kind of copies of one account. */
interface Heap {
  readonly platform: PlatformCache['platform'];
  readonly table: string;
  readonly erase: (tx: Tx) => Promise<number>;
}

function heapsOf(
  { userId }: Erasure,
  { platform, before, streams, tables }: PlatformCache,
  integrationId: string,
): Heap[] {
  const expired = { userId, integrationId, before };
  return [
    ...tables.map((table) => ({
      platform,
      table: table.name,
      erase: (tx: Tx) => eraseExpired(tx, { ...expired, table }, BATCH_ROWS),
    })),
    { platform, table: RAW_TABLE, erase: (tx) => eraseExpiredRaw(tx, { ...expired, streams }, BATCH_ROWS) },
  ];
}

async function listHeaps(erasure: Erasure): Promise<readonly Heap[]> {
  const { db, leaseToken, userId, caches } = erasure;
  const accounts = await db.tx({ kind: 'lease', token: leaseToken }, (tx) =>
    listIntegrations(tx, { userId, limit: MAX_ACCOUNTS }),
  );
  return caches.flatMap((cache) =>
    accounts.filter(({ platformId }) => platformId === cache.platform).flatMap(({ id }) => heapsOf(erasure, cache, id)),
  );
}

/** Rows that another transaction has in hand are left for the next pass. */
export async function eraseCopies(erasure: Erasure): Promise<Erased> {
  const { db, leaseToken, userId, isOver, onBatch } = erasure;
  const rows: ErasedRows[] = [];
  let batches = 0;
  for (const { platform, table, erase } of await listHeaps(erasure)) {
    for (let last = false; !last;) {
      if (isOver() || batches >= MAX_BATCHES) return { rows: addErased(rows), isComplete: false };
      batches += 1;
      const erased = await db.tx({ kind: 'lease', token: leaseToken }, async (tx) => {
        await holdPages(tx, userId);
        return await erase(tx);
      });
      rows.push({ platform, table, rows: erased });
      if (erased > 0) onBatch?.({ platform, table, rows: erased });
      last = erased < BATCH_ROWS;
    }
  }
  return { rows: addErased(rows), isComplete: true };
}
