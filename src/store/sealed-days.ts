// Days whose facts may be purged. A seal keeps what each fact of the day counted for; from then on the row is never computed again,
// and what comes late for it becomes an adjustment (`adjustments.ts`): the difference that the fact would make, by its name.
//
//   open ──seal (computed, nothing marks it)──► sealed ──a fact differs from what it counted for──► adjustment
//                                                  └── the fact is purged ──► its share stays, adjustments too

import type { Queryable } from '../db/database.ts';
import { ident, sql } from '../db/sql.ts';
import { computedCtes, contributionCte, daysCte, factCtes } from './fact-statements.ts';
import type { MetricModel } from './metric-model.ts';

export interface Seal {
  readonly userId: string;
  /** Last day that may be sealed, `YYYY-MM-DD`; the caller decides how old days have to be. */
  readonly through: string;
  readonly now: Date;
  /** Most days of one call, oldest first. */
  readonly limit: number;
}

export interface Sealed {
  readonly sealed: readonly string[];
  /** Computed days that cannot be sealed now: something marks them, or their facts are not those they were computed from. */
  readonly waiting: readonly string[];
}

/**
 * Seals computed days. For a transaction of the worker with a lease and with `lockMetrics` taken. A day without a row has no facts
 * and needs no seal.
 */
export async function sealDays(
  tx: Queryable,
  { userId, through, now, limit }: Seal,
  model: MetricModel,
): Promise<Sealed> {
  const { rows: open } = await tx.query<{ date: string }>(
    sql`
    select date
    from user_metrics
    where user_id = $1
      and date <= $2
      and sealed_at is null
    order by date
    limit $3`,
    [userId, through, limit],
  );
  const days = open.map(({ date }) => date);
  if (days.length === 0) return { sealed: [], waiting: [] };
  const { rows } = await tx.query<{ date: string }>(
    sql`
    with ${daysCte('open')},
    ${factCtes(model)},
    ${computedCtes(model)},
    ${contributionCte(model)},
    sealed as (
      update user_metrics m
      set sealed_at = $3, updated_at = $3
      from computed c
      where m.user_id = $1
        and m.date = c.day
        and m.sealed_at is null
        and m.timezone = c.timezone
        and m.input_hash = c.input_hash
        and m.input_count = c.input_count
        and not exists (
          select
          from dirty_days x
          where x.user_id = $1
            and x.day = m.date
        )
      returning m.date
    ),
    kept as (
      insert into sealed_inputs (user_id, date, source, integration_id, fact_key, contribution)
      select $1, c.day, c.source, c.integration_id, c.fact_key, c.contribution
      from contributions c
      join sealed s on s.date = c.day
    )
    select date
    from sealed
    order by date`,
    [userId, days, now],
  );
  const sealed = rows.map(({ date }) => date);
  const done = new Set(sealed);
  return { sealed, waiting: days.filter((day) => !done.has(day)) };
}

/**
 * SQL for whoever purges: the row `t` of the table counts on sealed days only, and everything it counted for is kept. `$1` is the user.
 * Hold the pages of the user (`holdPages`) and take `lockMetrics` before; a row without any instant is on no day and passes.
 */
export function isPurgeable({ sources }: MetricModel, tableName: string): string {
  const days = sources
    .filter(({ table }) => table.name === tableName)
    .flatMap(({ at, isPlatformDay, neededAt }) => [
      isPlatformDay === true ? `t.${ident(at)}` : localDay(`t.${ident(at)}`),
      ...(neededAt === undefined ? [] : [localDay(neededAt)]),
    ]);
  return days
    .map(
      (day) => sql`(${day} is null or exists (
        select
        from user_metrics m
        where m.user_id = $1
          and m.date = ${day}
          and m.sealed_at is not null
          and not exists (
            select
            from dirty_days x
            where x.user_id = $1
              and x.day = m.date
          )
      ))`,
    )
    .join(' and ');
}

const localDay = (instant: string): string =>
  `((${instant}) at time zone (select u.timezone from users u where u.id = $1))::date`;
