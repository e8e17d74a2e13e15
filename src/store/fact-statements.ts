// SQL made from a model: the facts of some days, and what these days come to. Everything else of the daily metrics is put on top of it,
// so that a rollup, a seal and a verification cannot reckon differently.
//
// `$1` is the user, `$2` the days. A statement begins with `daysCte`, then `factCtes`, then `computedCtes`.

import { ident, sql } from '../db/sql.ts';
import { summedOver, type FactSource, type MetricDefinition, type MetricModel } from './metric-model.ts';
import { keyText } from './record-tables/record-table.ts';

/** Which of the days: those that facts may still change, or those that are sealed. */
export type DayState = 'open' | 'sealed';

const IS_SEALED = sql`exists (
          select
          from user_metrics m
          where m.user_id = $1
            and m.date = d.day
            and m.sealed_at is not null
        )`;

const CONDITIONS: Readonly<Record<DayState, string>> = {
  open: `and not ${IS_SEALED}`,
  sealed: `and ${IS_SEALED}`,
};

// The bounds only let indexes help: the day itself is what `timestamptz at time zone` gives, as for the marks, so that days of 23 and
// 25 hours and midnights that a zone skips or repeats fall where the marks do. Zones move their clocks by two hours at most.
export function daysCte(state: DayState): string {
  return sql`
    secret as (
      select value #>> '{}' as key
      from settings
      where key = 'metrics.input_key'
    ),
    days as materialized (
      select d.day, u.timezone, u.reporting_currency,
        (d.day::timestamp at time zone u.timezone) - interval '3 hours' as from_at,
        ((d.day + 1)::timestamp at time zone u.timezone) + interval '3 hours' as to_at
      from users u
      cross join (select distinct day from unnest($2::date[]) as n (day)) d
      where u.id = $1
        ${CONDITIONS[state]}
    )`;
}

const currencyOf = (column: string): string => ident(`${column}_currency`);
const factsName = (index: number): string => ident(`facts_${index}`);
const sumsName = (index: number): string => ident(`sums_${index}`);

function onDay({ at, isPlatformDay }: FactSource): string {
  const column = `t.${ident(at)}`;
  if (isPlatformDay === true) return `${column} = d.day`;
  return `${column} >= d.from_at
          and ${column} < d.to_at
          and (${column} at time zone d.timezone)::date = d.day`;
}

/**
 * The facts of one source: day, what names the fact, when its row was written, and its values. `offset 0` keeps it a look-up by index
 * for each day: as a join the planner, seeing few rows behind the policy, reads everything of the user.
 */
function factsOf(model: MetricModel, source: FactSource): string {
  const { table, join = '', where } = source;
  const values = summedOver(model, source).flatMap((metric) =>
    metric.kind === 'sum'
      ? [`(${metric.value})::numeric as ${ident(metric.column)}`]
      : [
          `(${metric.amount})::numeric as ${ident(metric.column)}`,
          `case when (${metric.amount}) is not null then ${metric.currency} end as ${currencyOf(metric.column)}`,
        ],
  );
  return sql`
      select d.day, d.reporting_currency, f.*
      from days d
      cross join lateral (
        select t.integration_id, ${keyText(table, 't')} as fact_key, t.updated_at, ${values.join(', ')}
        from ${ident(table.name)} t${join}
        where t.user_id = $1
          and t.deleted_at is null
          and ${onDay(source)}${where === undefined ? '' : ` and ${where}`}
        offset 0
      ) f`;
}

/** CTEs `facts_0`, `facts_1` …, one for each source. */
export function factCtes(model: MetricModel): string {
  return model.sources
    .map(
      (source, index) => sql`${factsName(index)} as (${factsOf(model, source)}
    )`,
    )
    .join(', ');
}

/** Each fact's keyed hash over what names it and what it counts for; 128 bits of it as two numbers. */
function lanesOf(model: MetricModel, source: FactSource): string {
  const values = summedOver(model, source).flatMap(({ kind, column }) =>
    kind === 'sum' ? [ident(column)] : [ident(column), currencyOf(column)],
  );
  return sql`
        cross join lateral (
          select sha256(convert_to(k.key || row('${source.name}'::text, f.integration_id, f.fact_key, ${values.map((value) => `f.${value}`).join(', ')})::text, 'UTF8')) as h
        ) u
        cross join lateral (
          select ('x' || encode(substr(u.h, 1, 8), 'hex'))::bit(64)::bigint as high,
            ('x' || encode(substr(u.h, 9, 8), 'hex'))::bit(64)::bigint as low
        ) l`;
}

/** CTE `sums_n`: a row for each day that has facts of the source. */
function sumsOf(model: MetricModel, source: FactSource, index: number): string {
  const sums = summedOver(model, source).map(({ kind, column }) => {
    const name = ident(column);
    const own = kind === 'sum' ? '' : ` filter (where f.${currencyOf(column)} = f.reporting_currency)`;
    return `sum(f.${name})${own} as ${name}`;
  });
  return sql`${sumsName(index)} as (
      select f.day, count(*)::integer as inputs, max(f.updated_at) as watermark,
        bit_xor(l.high) as high, bit_xor(l.low) as low, ${sums.join(', ')}
      from ${factsName(index)} f
      cross join secret k${lanesOf(model, source)}
      group by f.day
    )`;
}

function columnOf(model: MetricModel, metric: Exclude<MetricDefinition, { kind: 'derived' }>): string {
  const index = model.sources.findIndex(({ name }) => name === metric.source);
  const sum = `${sumsName(index)}.${ident(metric.column)}`;
  const value = metric.kind === 'sum' ? `coalesce(${sum}, 0)` : sum;
  return `(${value})::${metric.type} as ${ident(metric.column)}`;
}

const each = (model: MetricModel, one: (sums: string) => string, between: string): string =>
  model.sources.map((_source, index) => one(sumsName(index))).join(between);

function othersOf(model: MetricModel): string {
  const parts = model.sources.flatMap((source, index) =>
    summedOver(model, source).flatMap(({ kind, column }) =>
      kind === 'sum'
        ? []
        : [
            sql`
      select f.day, '${column}'::text as metric_name, f.${currencyOf(column)} as currency, sum(f.${ident(column)})::numeric(20, 6) as amount
      from ${factsName(index)} f
      where f.${currencyOf(column)} <> f.reporting_currency
      group by f.day, f.${currencyOf(column)}`,
          ],
    ),
  );
  return parts.length === 0
    ? `select null::date as day, ''::text as metric_name, ''::text as currency, 0::numeric as amount where false`
    : parts.join(' union all ');
}

/**
 * CTEs `computed`, a row for each of the days with all columns, count, watermark and hash of its inputs, and `others`, amounts in
 * currencies that are not the reporting one.
 */
export function computedCtes(model: MetricModel): string {
  const summed = model.metrics.filter((metric) => metric.kind !== 'derived');
  const derived = model.metrics.filter((metric) => metric.kind === 'derived');
  const columns = summed.map((metric) => columnOf(model, metric));
  const reckoned = derived.map(({ expression, type, column }) => `, (${expression})::${type} as ${ident(column)}`);
  return sql`
    ${model.sources.map((source, index) => sumsOf(model, source, index)).join(', ')},
    summed as (
      select d.day, d.timezone, d.reporting_currency, ${columns.join(', ')},
        ${each(model, (sums) => `coalesce(${sums}.inputs, 0)`, ' + ')} as input_count,
        greatest(${each(model, (sums) => `${sums}.watermark`, ', ')}) as watermark,
        int8send(${each(model, (sums) => `coalesce(${sums}.high, 0)`, ' # ')})
          || int8send(${each(model, (sums) => `coalesce(${sums}.low, 0)`, ' # ')}) as input_hash
      from days d
      ${each(model, (sums) => `left join ${sums} on ${sums}.day = d.day`, '\n      ')}
    ),
    computed as (
      select s.*${reckoned.join('')}
      from summed s
    ),
    others as (${othersOf(model)}
    )`;
}

/** CTE `contributions`: what each fact counts for, as sealed days keep it. */
export function contributionCte(model: MetricModel): string {
  const parts = model.sources.map((source, index) => {
    const values = summedOver(model, source).map(({ kind, column }) =>
      kind === 'sum'
        ? `jsonb_build_object('${column}', f.${ident(column)})`
        : `case when f.${currencyOf(column)} is not null then jsonb_build_object('${column}:' || f.${currencyOf(column)}, f.${ident(column)}) end`,
    );
    return sql`
      select f.day, '${source.name}'::text as source, f.integration_id, f.fact_key,
        jsonb_strip_nulls(${values.map((value) => `coalesce(${value}, '{}')`).join(' || ')}) as contribution
      from ${factsName(index)} f`;
  });
  return sql`
    contributions as (${parts.join(' union all ')}
    )`;
}
