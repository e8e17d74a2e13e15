// Days that counted a row although it may be purged: sealed ones, and what was adjusted of them. When such a row comes again its old place
// is not in the table any more, so the old day is found here.

import type { Queryable } from '../db/database.ts';
import { sql } from '../db/sql.ts';

export interface CountedFact {
  /** SQL of the user, the integration and the key of the row as one text. */
  readonly userId: string;
  readonly integrationId: string;
  readonly key: string;
  /** Name of the row's table, with which names of sources begin. */
  readonly table: string;
}

/** SQL: a select of the days, one column `day`. By index for one row: use it laterally. */
export function countedDays({ userId, integrationId, key, table }: CountedFact): string {
  return ['sealed_inputs', 'metric_adjustments']
    .map(
      (place) => sql`
          select s.date as day
          from ${place} s
          where s.user_id = ${userId}
            and s.integration_id = ${integrationId}
            and s.fact_key = ${key}
            and split_part(s.source, '.', 1) = '${table}'`,
    )
    .join(' union all ');
}

export interface CountedRows {
  readonly userId: string;
  readonly integrationId: string;
  readonly table: string;
  readonly keys: readonly string[];
}

/** Sealed days that counted rows with these keys. */
export async function listCountedDays(
  tx: Queryable,
  { userId, integrationId, table, keys }: CountedRows,
): Promise<readonly string[]> {
  const { rows } = await tx.query<{ day: string }>(
    sql`
    select distinct c.day
    from unnest($3::text[]) as k (key)
    cross join lateral (${countedDays({ userId: '$1', integrationId: '$2', key: 'k.key', table })}
    ) c`,
    [userId, integrationId, keys],
  );
  return rows.map(({ day }) => day);
}
