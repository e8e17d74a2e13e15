// /v1/metrics and /v1/users/{userId}/metrics

import { bucketsOf, type CalendarBucket, type CalendarStep, type DaySpan } from '../../core/calendar.ts';
import { AppError } from '../../core/errors.ts';
import type { Tx } from '../../db/database.ts';
import { DAY_MODEL } from '../../rollups/definitions.ts';
import { actFor } from '../../store/act-for.ts';
import type { MetricDefinition } from '../../store/metric-model.ts';
import { readMoneySeries, readUserSeries, type MoneyPoint, type UserPoint } from '../../store/user-series.ts';
import { findUser, type User } from '../../store/users.ts';
import type { ApiDeps, Handlers } from '../call.ts';
import { csvText, type CsvCell } from '../csv.ts';
import { changePercent, comparedSpan, spanOf } from '../series-span.ts';

const MODEL = DAY_MODEL.metrics;

interface Asked {
  readonly by: CalendarStep;
  readonly metrics?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** In the order of the definitions. Throws `input.invalid` for a name that there is not. */
function metricsNamed(names: string | undefined): readonly MetricDefinition[] {
  if (names === undefined) return MODEL;
  const wanted = new Set(names.split(',').map((name) => name.trim()));
  const found = MODEL.filter(({ column }) => wanted.delete(column));
  if (wanted.size > 0)
    throw new AppError('input.invalid', `expected names of /v1/metrics, got ${[...wanted].join(', ').slice(0, 200)}`);
  return found;
}

/** Opens the user's own rows. Throws `not_found`, also for another tenant's. */
async function actForUser(tx: Tx, userId: string): Promise<User> {
  const user = await findUser(tx, userId);
  if (user === null) throw new AppError('not_found', `no user has the id ${userId}`);
  await actFor(tx, userId);
  return user;
}

type Point = CalendarBucket &
  Pick<UserPoint, 'days' | 'values'> & { readonly otherCurrencies: Record<string, Record<string, string>> };

interface Series {
  readonly user: User;
  readonly metrics: readonly MetricDefinition[];
  readonly by: CalendarStep;
}

const isCount = ({ kind, type }: MetricDefinition): boolean => kind === 'sum' && type === 'integer';

/** One point; what nobody computed has no facts. */
function pointOf(
  { user, metrics }: Series,
  bucket: CalendarBucket,
  found: UserPoint | undefined,
  money: readonly MoneyPoint[],
): Point {
  const amounts = new Map(money.map(({ column, currency, amount }) => [`${column}:${currency}`, amount]));
  const otherCurrencies: Point['otherCurrencies'] = {};
  for (const { column, currency, amount } of money)
    if (currency !== user.reportingCurrency) (otherCurrencies[column] ??= {})[currency] = amount;
  const values = metrics.map((metric) => {
    const { column, kind } = metric;
    if (kind === 'money') return [column, amounts.get(`${column}:${user.reportingCurrency}`) ?? null] as const;
    return [column, found?.values[column] ?? (isCount(metric) ? 0 : kind === 'sum' ? '0' : null)] as const;
  });
  return { ...bucket, days: found?.days ?? 0, values: Object.fromEntries(values), otherCurrencies };
}

function grouped<T extends { readonly start: string }>(rows: readonly T[]): ReadonlyMap<string, readonly T[]> {
  return Map.groupBy(rows, ({ start }) => start);
}

async function readSpan(tx: Tx, series: Series, span: DaySpan) {
  const { user, metrics, by } = series;
  const query = { userId: user.id, span, metrics, model: MODEL };
  const points = grouped(await readUserSeries(tx, { ...query, by }));
  const money = grouped(await readMoneySeries(tx, { ...query, by }));
  const [total] = await readUserSeries(tx, { ...query, by: null });
  const totalMoney = await readMoneySeries(tx, { ...query, by: null });
  return {
    ...span,
    items: bucketsOf(span, by).map((bucket) =>
      pointOf(series, bucket, points.get(bucket.start)?.[0], money.get(bucket.start) ?? []),
    ),
    total: pointOf(series, { ...span, start: span.from }, total, totalMoney),
  };
}

function changesOf(before: Point, after: Point): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(after.values).map(([name, value]) => {
      const was = before.values[name];
      return [name, value === null || was === null ? null : changePercent(Number(was), Number(value))];
    }),
  );
}

function csvOf({ user, metrics }: Series, items: readonly Point[]): string {
  const currenciesOf = (column: string): readonly string[] =>
    [...new Set(items.flatMap(({ otherCurrencies }) => Object.keys(otherCurrencies[column] ?? {})))].toSorted();
  const columns = metrics.flatMap(({ column, kind }): (readonly [string, (point: Point) => CsvCell])[] => [
    [kind === 'money' ? `${column}_${user.reportingCurrency}` : column, ({ values }) => values[column] ?? null],
    ...currenciesOf(column).map(
      (currency) =>
        [`${column}_${currency}`, (point: Point) => point.otherCurrencies[column]?.[currency] ?? null] as const,
    ),
  ]);
  return csvText(
    ['from', 'to', 'days', ...columns.map(([head]) => head)],
    items.map((point) => [point.from, point.to, point.days, ...columns.map(([, cell]) => cell(point))]),
  );
}

export function userMetricRoutes({ clock }: ApiDeps): Handlers<'userMetrics' | 'userMetricsCsv' | 'listUserMetrics'> {
  const openSeries = async (tx: Tx, userId: string, { by, metrics, from, to }: Asked) => {
    const series: Series = { user: await actForUser(tx, userId), metrics: metricsNamed(metrics), by };
    return { series, span: spanOf({ from, to, by, timezone: series.user.timezone }, clock.now()) };
  };
  return {
    async listUserMetrics() {
      return { items: MODEL.map(({ column, kind, meaning }) => ({ name: column, kind, meaning })) };
    },
    async userMetrics({ params: { userId }, query, inReadTx }) {
      return await inReadTx(async (tx) => {
        const { series, span } = await openSeries(tx, userId, query);
        const found = await readSpan(tx, series, span);
        const previous = query.compare ? await readSpan(tx, series, comparedSpan(span, query.by)) : null;
        const { timezone, reportingCurrency } = series.user;
        const changes = previous === null ? null : changesOf(previous.total, found.total);
        return {
          ...found,
          userId,
          timezone,
          currency: reportingCurrency,
          by: query.by,
          previous,
          changePercent: changes,
        };
      });
    },
    async userMetricsCsv({ params: { userId }, query, inReadTx }) {
      return await inReadTx(async (tx) => {
        const { series, span } = await openSeries(tx, userId, query);
        return csvOf(series, (await readSpan(tx, series, span)).items);
      });
    },
  };
}
