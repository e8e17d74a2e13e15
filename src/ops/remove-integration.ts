// Removing an account: its facts leave the days of its user with it, so these days are computed again. Sealed ones stay as they are.

import type { Tx } from '../db/database.ts';
import { DAY_MODEL } from '../rollups/definitions.ts';
import { markFactDays } from '../store/fact-days.ts';
import { holdRecords, removeIntegration as removeRows } from '../store/integrations.ts';

/** With its streams, runs and records. False: not found. */
export async function removeIntegration(tx: Tx, id: string): Promise<boolean> {
  const userId = await holdRecords(tx, id);
  if (userId === null) return false;
  await markFactDays(tx, { userId, integrationId: id }, 'facts', DAY_MODEL);
  return await removeRows(tx, id);
}
