// One record at a time into its table, as the worker writes it: under a lease of its own.

import type { RecordTable } from '../../src/store/record-tables/record-table.ts';
import { acquireLease } from '../../src/store/stream-leases.ts';
import { removeRecords, upsertRecords, type UpsertResult } from '../../src/store/upsert.ts';
import type { SyncWorld } from './sync-world.ts';

export interface UpsertDoor {
  readonly upsert: <R>(table: RecordTable<R>, record: R) => Promise<UpsertResult>;
  readonly remove: <R>(
    table: RecordTable<R>,
    keys: readonly string[],
  ) => Promise<{ readonly removed: number; readonly dirtyDays: readonly string[] }>;
}

export async function openDoor(world: SyncWorld): Promise<UpsertDoor> {
  const { jobId, workerId } = await world.claim(await world.addRun());
  const token = (await acquireLease(world.worker, jobId, workerId))!;
  const { integrationId, userId } = world;
  const target = { integrationId, userId, timezone: 'Europe/Kyiv', now: new Date() };
  return {
    upsert: (table, record) =>
      world.worker.tx({ kind: 'lease', token }, (tx) => upsertRecords(tx, table, target, [record])),
    remove: (table, keys) => world.worker.tx({ kind: 'lease', token }, (tx) => removeRecords(tx, table, target, keys)),
  };
}
