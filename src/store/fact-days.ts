// Days on which a user has facts, and marking them where a fact changed without a page: another zone, an account that goes, somebody who
// asks for a range of days again.

import type { Queryable, Tx } from '../db/database.ts';
import { ident, sql } from '../db/sql.ts';
import type { MetricModel } from './metric-model.ts';

export interface DayRange {
  readonly userId: string;
  /** First and last day, `YYYY-MM-DD`; absent: from the first, to the last. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** `$1` user, `$2` first and `$3` last day, `$4` one integration or null. The zone is the user's, as this transaction sees it. */
function factDays({ sources }: MetricModel): string {
  const places = new Map(sources.map((source) => [`${source.table.name} ${source.at}`, source]));
  return [...places.values()]
    .map(({ table, at, isPlatformDay }) => {
      const column = `t.${ident(at)}`;
      const day = isPlatformDay === true ? column : `(${column} at time zone u.timezone)::date`;
      return sql`
      select distinct ${day} as day
      from users u
      join ${ident(table.name)} t on t.user_id = u.id
      where u.id = $1
        and t.deleted_at is null
        and ($4::uuid is null or t.integration_id = $4)
        and ${column} >= $2::date - 2
        and ${column} < $3::date + 3
        and ${day} between $2::date and $3::date`;
    })
    .join(' union ');
}

/** Days that have facts or a row, in order. For a transaction that sees the user's rows. */
export async function listKnownDays(
  tx: Queryable,
  { userId, from = '-infinity', to = 'infinity' }: DayRange,
  model: MetricModel,
): Promise<readonly string[]> {
  const { rows } = await tx.query<{ day: string }>(
    sql`
    select k.day::text as day
    from (${factDays(model)}
      union
      select m.date
      from user_metrics m
      where m.user_id = $1
        and m.date between $2::date and $3::date
    ) k
    order by k.day`,
    [userId, from, to, null],
  );
  return rows.map(({ day }) => day);
}

export interface MarkedFacts {
  readonly userId: string;
  /** Only the facts of this account. */
  readonly integrationId?: string;
}

/**
 * Marks the days of the user's facts, and with `computed` those that have a row and are not sealed: what facts have left, and what the
 * row itself says. For a transaction of the api that sees no rows of the user otherwise: it does while this lasts.
 */
export async function markFactDays(
  tx: Tx,
  { userId, integrationId }: MarkedFacts,
  rows: 'facts' | 'computed',
  model: MetricModel,
): Promise<void> {
  const { rows: before } = await tx.query<{ seen: string }>(
    `select coalesce(current_setting('app.user_id', true), '') as seen`,
  );
  await tx.query(`select set_config('app.user_id', $1, true)`, [userId]);
  await tx.query(
    sql`
    insert into dirty_days (user_id, day)
    select $1, k.day
    from (${factDays(model)}
      union
      select m.date
      from user_metrics m
      where m.user_id = $1
        and m.sealed_at is null
        and $5
    ) k`,
    [userId, '-infinity', 'infinity', integrationId ?? null, rows === 'computed'],
  );
  await tx.query(`select set_config('app.user_id', $1, true)`, [before[0]!.seen]);
}
