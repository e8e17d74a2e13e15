// Days whose facts may be purged. A seal keeps what each fact of the day counted for; from then on the row is never computed again,
// and what comes late for it becomes an adjustment: the difference that the fact would make, by its name.
//
//   open ──seal (computed, nothing marks it)──► sealed ──a fact differs from what it counted for──► adjustment
//                                                  └── the fact is purged ──► its share stays, adjustments too

import type { Queryable } from '../db/database.ts';
import { ident, sql } from '../db/sql.ts';
import { computedCtes, contributionCte, daysCte, factCtes } from './fact-statements.ts';
import type { FactSource, MetricModel } from './metric-model.ts';
import { keyTableOf } from './record-tables/record-table.ts';

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

/** The key of a fact in the columns of its table. */
function isNamed({ table: { keyColumns } }: FactSource): string {
  const [first, second] = keyColumns;
  if (second === undefined) return `t.${ident(first)} = n.fact_key`;
  return `t.${ident(first)} = split_part(n.fact_key, ' ', 1)
        and t.${ident(second)} = substr(n.fact_key, strpos(n.fact_key, ' ') + 1)`;
}

/** Facts that a day knows and whose rows are still there, removed ones too; what was purged says nothing any more. */
function presentOf({ sources }: MetricModel): string {
  return sources
    .map(
      (source) => sql`
      select n.day, n.source, n.integration_id, n.fact_key
      from named n
      join ${ident(keyTableOf(source.table))} t on t.user_id = $1
        and t.integration_id = n.integration_id
        and ${isNamed(source)}
      where n.source = '${source.name}'`,
    )
    .join(' union all ');
}

/** Facts that follow from other rows are left as they were while their own row counts as it did. */
function isFrozen({ sources }: MetricModel): string {
  const following = sources.filter(({ follows }) => follows !== undefined);
  const cases = following.map(
    ({ name, follows }) => sql`c.source = '${name}'
        and exists (
          select
          from sealed_inputs b
          where b.user_id = $1
            and b.source = '${follows!}'
            and b.integration_id = c.integration_id
            and b.fact_key = c.fact_key
            and b.date = c.day
        )
        and exists (
          select
          from contributions b
          where b.source = '${follows!}'
            and b.integration_id = c.integration_id
            and b.fact_key = c.fact_key
            and b.day = c.day
        )`,
  );
  return cases.length === 0 ? 'false' : cases.map((one) => `(${one})`).join(' or ');
}

/** Compares facts with what the sealed ones of `days` counted for; the number of adjustments that these days have now. */
export async function adjustSealedDays(
  tx: Queryable,
  { userId, days, now }: { readonly userId: string; readonly days: readonly string[]; readonly now: Date },
  model: MetricModel,
): Promise<number> {
  await tx.query(
    sql`
    with ${daysCte('sealed')},
    ${factCtes(model)},
    ${contributionCte(model)},
    named as (
      select s.date as day, s.source, s.integration_id, s.fact_key
      from sealed_inputs s
      join days d on d.day = s.date
      where s.user_id = $1
      union
      select a.date, a.source, a.integration_id, a.fact_key
      from metric_adjustments a
      join days d on d.day = a.date
      where a.user_id = $1
    ),
    candidates as (
      select day, source, integration_id, fact_key
      from contributions
      union
      select p.day, p.source, p.integration_id, p.fact_key
      from (${presentOf(model)}
      ) p
    ),
    compared as (
      select c.day, c.source, c.integration_id, c.fact_key, f.contribution as is_now, s.contribution as was
      from candidates c
      left join contributions f using (day, source, integration_id, fact_key)
      left join sealed_inputs s on s.user_id = $1
        and s.source = c.source
        and s.integration_id = c.integration_id
        and s.fact_key = c.fact_key
        and s.date = c.day
      where (${isFrozen(model)}) is not true
    ),
    judged as (
      select c.*, case when c.was is null then 'late' when c.is_now is null then 'removed' else 'changed' end as reason,
        coalesce((
          select jsonb_object_agg(k.name, k.delta)
          from (
            select n.name,
              coalesce((c.is_now ->> n.name)::numeric, 0) - coalesce((c.was ->> n.name)::numeric, 0) as delta
            from jsonb_object_keys(coalesce(c.is_now, '{}') || coalesce(c.was, '{}')) as n (name)
          ) k
          where k.delta <> 0
        ), '{}') as deltas
      from compared c
    ),
    void as (
      delete from metric_adjustments a
      using judged j
      where a.user_id = $1
        and a.date = j.day
        and a.source = j.source
        and a.integration_id = j.integration_id
        and a.fact_key = j.fact_key
        and j.deltas = '{}'
    )
    insert into metric_adjustments as a
      (user_id, date, source, integration_id, fact_key, reason, deltas, noted_at, updated_at)
    select $1, j.day, j.source, j.integration_id, j.fact_key, j.reason, j.deltas, $3, $3
    from judged j
    where j.deltas <> '{}'
    on conflict (user_id, date, source, integration_id, fact_key) do update
    set reason = excluded.reason, deltas = excluded.deltas, updated_at = excluded.updated_at
    where a.deltas <> excluded.deltas
      or a.reason <> excluded.reason`,
    [userId, days, now],
  );
  const { rows } = await tx.query<{ count: number }>(
    sql`
    select count(*)::integer as count
    from metric_adjustments
    where user_id = $1
      and date = any ($2::date[])`,
    [userId, days],
  );
  return rows[0]!.count;
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
