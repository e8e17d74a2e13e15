// Days as they are stored beside what the facts say now, in one statement, so that both are of one moment. Reads only.

import type { Queryable } from '../db/database.ts';
import { ident, sql } from '../db/sql.ts';
import { computedCtes, daysCte, factCtes } from './fact-statements.ts';
import { moneyColumns, type MetricModel } from './metric-model.ts';

/** Name of a column, or `column:CURRENCY`, or `inputs`, `timezone`, `currency`, `row`. */
export interface Difference {
  readonly userId: string;
  readonly day: string;
  readonly what: string;
  readonly stored: string | null;
  readonly computed: string | null;
}

export interface VerifiedDays {
  /** Days that were recomputed. */
  readonly checked: number;
  /** Days that may not be recomputed. */
  readonly sealed: readonly string[];
  /** Days that differ or may differ because something marks them: they are about to be rolled up. */
  readonly waiting: readonly string[];
  readonly differences: readonly Difference[];
}

type Amounts = Readonly<Record<string, string>>;

interface VerifiedRow {
  readonly day: string;
  readonly is_marked: boolean;
  readonly is_stored: boolean;
  readonly input_count: number;
  readonly stored: readonly (string | null)[];
  readonly computed: readonly (string | null)[];
  readonly stored_others: Amounts;
  readonly computed_others: Amounts;
}

/** What of a row is compared beside its metrics. The watermark is not: rows are rewritten without a change of what counts. */
const FRAME = [
  { what: 'timezone', stored: 'm.timezone', computed: 'c.timezone' },
  { what: 'currency', stored: 'm.currency', computed: 'c.reporting_currency' },
  {
    what: 'inputs',
    stored: `m.input_count || ' facts, ' || encode(m.input_hash, 'hex')`,
    computed: `c.input_count || ' facts, ' || encode(c.input_hash, 'hex')`,
  },
] as const;

/** `$3` names of metrics in `analytics`. */
function verifyStatement({ sources, metrics }: MetricModel): string {
  const model = { sources, metrics };
  const columns = metrics.map(({ column }) => ident(column));
  const textsOf = (side: 'stored' | 'computed', alias: string): string =>
    [...columns.map((column) => `${alias}.${column}::text`), ...FRAME.map((part) => part[side])].join(', ');
  return sql`
    with ${daysCte('open')},
    ${factCtes(model)},
    ${computedCtes(model)}
    select c.day, c.input_count, m.date is not null as is_stored,
      exists (
        select
        from dirty_days x
        where x.user_id = $1
          and x.day = c.day
      ) as is_marked,
      array[${textsOf('stored', 'm')}] as stored,
      array[${textsOf('computed', 'c')}] as computed,
      coalesce((
        select jsonb_object_agg(a.metric_name || ':' || a.currency, a.metric_value::text)
        from analytics a
        where a.user_id = $1
          and a.date = c.day
          and a.metric_name = any ($3::text[])
          and a.dimension = ''
      ), '{}') as stored_others,
      coalesce((
        select jsonb_object_agg(o.metric_name || ':' || o.currency, o.amount::text)
        from others o
        where o.day = c.day
      ), '{}') as computed_others
    from computed c
    left join user_metrics m on m.user_id = $1 and m.date = c.day
    order by c.day`;
}

function compareRow(row: VerifiedRow, names: readonly string[], userId: string): readonly Difference[] {
  const { day, stored, computed, stored_others: storedOthers, computed_others: computedOthers } = row;
  if (!row.is_stored)
    return row.input_count === 0
      ? []
      : [{ userId, day, what: 'row', stored: null, computed: `${row.input_count} facts` }];
  const cells = names.map((what, index) => ({ what, stored: stored[index]!, computed: computed[index]! }));
  const currencies = [...new Set([...Object.keys(storedOthers), ...Object.keys(computedOthers)])].sort();
  const others = currencies.map((what) => ({
    what,
    stored: storedOthers[what] ?? null,
    computed: computedOthers[what] ?? null,
  }));
  return [...cells, ...others]
    .filter((cell) => cell.stored !== cell.computed)
    .map((cell) => ({ userId, day, ...cell }));
}

/** Recomputes those of `days` that are not sealed and compares. For a transaction that sees the user's rows. */
export async function verifyDays(
  tx: Queryable,
  { userId, days }: { readonly userId: string; readonly days: readonly string[] },
  model: MetricModel,
): Promise<VerifiedDays> {
  const { rows } = await tx.query<VerifiedRow>(verifyStatement(model), [userId, days, moneyColumns(model)]);
  const names = [...model.metrics.map(({ column }) => column), ...FRAME.map(({ what }) => what)];
  const open = new Set(rows.map(({ day }) => day));
  const settled = rows.filter((row) => !row.is_marked);
  return {
    checked: settled.length,
    sealed: days.filter((day) => !open.has(day)),
    waiting: rows.filter((row) => row.is_marked).map(({ day }) => day),
    differences: settled.flatMap((row) => compareRow(row, names, userId)),
  };
}
