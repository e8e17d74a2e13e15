// Copies that came again as they are stored. A sync writes nothing for them, but how old a copy is counts from when it was
// last seen: one that is getting old is noted, so that most passes still write nothing.

import type { Queryable } from '../db/database.ts';
import { ident, sql } from '../db/sql.ts';
import { ageOf, arrayLiteral, isAmong, type RecordTable } from './record-tables/record-table.ts';

export interface Seen {
  readonly integrationId: string;
  readonly keys: readonly string[];
  /** Only copies that were last seen before this are written. */
  readonly noteBefore: Date;
  readonly now: Date;
}

export async function noteSeen<R>(
  tx: Queryable,
  table: RecordTable<R>,
  { integrationId, keys, noteBefore, now }: Seen,
): Promise<void> {
  await tx.query(
    sql`
    update ${ident(table.name)} t
    set seen_at = $4
    where t.integration_id = $1
      and ${isAmong(table, '$2')}
      and ${ageOf('t')} < $3`,
    [integrationId, arrayLiteral(keys), noteBefore, now],
  );
}
