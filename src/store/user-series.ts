// A user's days as points of a chart: each day, or weeks and months of them. Sums add up, what is derived is reckoned from the sums, and
// money adds up by currency, whatever the reporting currency was on a day. What came late for sealed days is added to them.

import type { CalendarStep, DaySpan } from '../core/calendar.ts';
import type { Queryable } from '../db/database.ts';
import { ident, sql } from '../db/sql.ts';
import type { MetricDefinition } from './metric-model.ts';

export interface UserSeriesQuery {
  readonly userId: string;
  readonly span: DaySpan;
  /** Null: one point for the whole span. */
  readonly by: CalendarStep | null;
  readonly metrics: readonly MetricDefinition[];
  /** All of them, of which `metrics` is a part: what is derived may be reckoned from others. */
  readonly model: readonly MetricDefinition[];
}

/** Counts are numbers, everything else decimal text; null: there is nothing to say. */
export type SeriesValue = number | string | null;

export interface UserPoint {
  /** First day of the whole step. */
  readonly start: string;
  /** Days that were computed; the others have no facts. */
  readonly days: number;
  readonly values: Readonly<Record<string, SeriesValue>>;
}

const startOf = (by: CalendarStep | null, date: string): string =>
  by === null ? '$2::date' : `date_trunc('${by}', ${date}::timestamp)::date`;

/** Late facts of sealed days: `$1` user, `$2` and `$3` days. */
const late = (by: CalendarStep | null): string => sql`
    late as (
      select ${startOf(by, 'a.date')} as start, d.key, d.value::numeric as value
      from metric_adjustments a
      cross join lateral jsonb_each_text(a.deltas) as d (key, value)
      where a.user_id = $1
        and a.date between $2::date and $3::date
    )`;

/** Counts and what follows from them; money is `readMoneySeries`. */
export async function readUserSeries(db: Queryable, query: UserSeriesQuery): Promise<readonly UserPoint[]> {
  const { userId, span, by, metrics, model } = query;
  const sums = model.filter(({ kind }) => kind === 'sum');
  const shown = metrics.filter(({ kind }) => kind !== 'money');
  const isNumber = ({ type }: MetricDefinition): boolean => type === 'integer';
  const asShown = (metric: MetricDefinition): string => {
    const value = metric.kind === 'derived' ? metric.expression : ident(metric.column);
    return `(${value})::${isNumber(metric) ? 'double precision' : 'text'} as ${ident(metric.column)}`;
  };
  const { rows } = await db.query<Record<string, SeriesValue> & { start: string; days: number }>(
    sql`
    with ${late(by)},
    days as (
      select ${['start', 'count(*)::integer as days', ...sums.map(({ column }) => `sum(${ident(column)}) as ${ident(column)}`)].join(', ')}
      from (
        select m.*, ${startOf(by, 'm.date')} as start
        from user_metrics m
        where m.user_id = $1
          and m.date between $2::date and $3::date
      ) m
      group by start
    ),
    added as (
      select ${['start', ...sums.map(({ column }) => `sum(value) filter (where key = '${column}') as ${ident(column)}`)].join(', ')}
      from late
      group by start
    ),
    summed as (
      select ${['start', 'd.days as "days"', ...sums.map(({ column }) => `coalesce(d.${ident(column)}, 0) + coalesce(a.${ident(column)}, 0) as ${ident(column)}`)].join(', ')}
      from days d
      left join added a using (start)
    )
    select ${['start as "_start"', 'days as "_days"', ...shown.map(asShown)].join(', ')}
    from summed
    order by start`,
    [userId, span.from, span.to],
  );
  return rows.map(({ _start, _days, ...values }) => ({ start: String(_start), days: Number(_days), values }));
}

export interface MoneyPoint {
  readonly start: string;
  readonly column: string;
  readonly currency: string;
  /** Decimal text. */
  readonly amount: string;
}

/** Every currency of the money metrics asked for, each summed for itself. */
export async function readMoneySeries(
  db: Queryable,
  { userId, span, by, metrics }: UserSeriesQuery,
): Promise<readonly MoneyPoint[]> {
  const columns = metrics.filter(({ kind }) => kind === 'money').map(({ column }) => column);
  if (columns.length === 0) return [];
  const { rows } = await db.query<MoneyPoint>(
    sql`
    with ${late(by)},
    amounts as (
      select ${startOf(by, 'm.date')} as start, c.name as column, m.currency, c.amount
      from user_metrics m
      cross join lateral (values ${columns.map((column) => `('${column}', m.${ident(column)})`).join(', ')}) as c (name, amount)
      where m.user_id = $1
        and m.date between $2::date and $3::date
        and c.amount is not null
      union all
      select ${startOf(by, 'a.date')}, a.metric_name, a.currency, a.metric_value
      from analytics a
      where a.user_id = $1
        and a.date between $2::date and $3::date
        and a.metric_name = any ($4::text[])
        and a.currency <> ''
        and a.dimension = ''
        and a.metric_value is not null
      union all
      select start, split_part(key, ':', 1), split_part(key, ':', 2), value
      from late
      where split_part(key, ':', 1) = any ($4::text[])
        and split_part(key, ':', 2) <> ''
    )
    select start, "column", currency, trim_scale(sum(amount))::text as amount
    from amounts
    group by start, "column", currency
    order by start, "column", currency`,
    [userId, span.from, span.to, columns],
  );
  return rows;
}
