// What facts would change of a sealed day, by their names: a pure function of what the day counted and of the rows that are there, so
// that it may be reckoned again at any time. What was purged says nothing any more: its adjustments stay as they are.

import type { Queryable } from '../db/database.ts';
import { ident, sql } from '../db/sql.ts';
import { contributionCte, daysCte, factCtes } from './fact-statements.ts';
import type { FactSource, MetricModel } from './metric-model.ts';
import { keyTableOf } from './record-tables/record-table.ts';
import type { RolledDays } from './user-metrics.ts';

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

/** CTEs `compared`, facts now beside what the day counted, and `judged`, with what is to be added. */
function judgedCtes(model: MetricModel): string {
  return sql`
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
    )`;
}

/** Compares facts with what the sealed ones of `days` counted for; the number of adjustments that these days have now. */
export async function adjustSealedDays(
  tx: Queryable,
  { userId, days, now }: RolledDays,
  model: MetricModel,
): Promise<number> {
  await tx.query(
    sql`
    with ${daysCte('sealed')},
    ${factCtes(model)},
    ${contributionCte(model)},
    ${judgedCtes(model)},
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
