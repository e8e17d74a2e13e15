// Local days of a user, recomputed from the facts in one statement. The definitions come from `src/rollups`; a sealed day is never
// written again.

import type { Queryable } from '../db/database.ts';
import { ident, sql } from '../db/sql.ts';
import { computedCtes, daysCte, factCtes } from './fact-statements.ts';
import { moneyColumns, type MetricModel } from './metric-model.ts';

export interface RolledDays {
  readonly userId: string;
  /** `YYYY-MM-DD` in the user's zone. */
  readonly days: readonly string[];
  readonly now: Date;
}

/** Serializes rollups and seals of one user: without it the slower of two could overwrite the newer result. */
export async function lockMetrics(tx: Queryable, userId: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('metrics ' || $1::text, 0))`, [userId]);
}

const statements = new WeakMap<MetricModel, string>();

/** `$3` now, `$4` names of metrics in `analytics`. */
function rollStatement(model: MetricModel): string {
  const names = model.metrics.map(({ column }) => ident(column));
  const kept = [...names, 'input_count', 'watermark', 'input_hash'];
  return sql`
    with ${daysCte('open')},
    ${factCtes(model)},
    ${computedCtes(model)},
    written as (
      insert into user_metrics as m
        (user_id, date, timezone, currency, ${kept.join(', ')}, computed_at, updated_at)
      select $1, c.day, c.timezone, c.reporting_currency, ${kept.map((name) => `c.${name}`).join(', ')}, $3, $3
      from computed c
      on conflict (user_id, date) do update
      set timezone = excluded.timezone, currency = excluded.currency,
        ${kept.map((name) => `${name} = excluded.${name}`).join(', ')},
        computed_at = excluded.computed_at, updated_at = excluded.updated_at
      where m.sealed_at is null
      returning m.date, m.input_count
    ),
    gone as (
      delete from analytics a
      using written w
      where a.user_id = $1
        and a.date = w.date
        and a.metric_name = any ($4::text[])
        and a.dimension = ''
        and not exists (
          select
          from others o
          where o.day = a.date
            and o.metric_name = a.metric_name
            and o.currency = a.currency
        )
    ),
    put as (
      insert into analytics as a (user_id, metric_name, metric_value, date, currency)
      select $1, o.metric_name, o.amount, o.day, o.currency
      from others o
      join written w on w.date = o.day
      on conflict (user_id, metric_name, date, currency, dimension) do update
      set metric_value = excluded.metric_value
      where a.metric_value is distinct from excluded.metric_value
    )
    select date, input_count
    from written`;
}

export interface RolledDay {
  readonly date: string;
  readonly input_count: number;
}

/** Recomputes those of the days that are not sealed; the number of facts of each. Linear in facts and days. */
export async function rollDays(
  tx: Queryable,
  { userId, days, now }: RolledDays,
  model: MetricModel,
): Promise<readonly RolledDay[]> {
  let statement = statements.get(model);
  if (statement === undefined) statements.set(model, (statement = rollStatement(model)));
  const { rows } = await tx.query<RolledDay>(statement, [userId, days, now, moneyColumns(model)]);
  return rows;
}
