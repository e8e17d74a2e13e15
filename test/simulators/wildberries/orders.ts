// Statistics, the order feed, and orders that sellers assemble.

import { Answer, at, byText, number, plain, refuse, type Asked, type Method } from './resource.ts';
import type { Resource, Row } from './state.ts';

/** Statistics are one bare array, sorted by change and cut off at a bound; of one day they are all of it. */
function statistics(resource: Resource) {
  return ({ request, seller, traps }: Asked): unknown => {
    const from = request.query.get('dateFrom');
    if (from === null || !/^\d{4}-\d{2}-\d{2}/.test(from)) return refuse(400, { errors: ['dateFrom: invalid'] });
    const rows = seller.rows[resource];
    const isByDay = request.query.get('flag') === '1';
    const found = isByDay
      ? rows.filter((row) => String(row['date']).startsWith(from.slice(0, 10)))
      : rows.filter((row) => String(row['lastChangeDate']) >= from).sort(byText('lastChangeDate'));
    const shown = isByDay ? found : found.slice(0, traps.statisticsCap);
    return new Answer({ status: 200, pieces: arrayOf(shown) });
  };
}

function* arrayOf(rows: readonly Row[]): Generator<string> {
  yield '[';
  for (const [index, row] of rows.entries()) yield `${index === 0 ? '' : ','}${JSON.stringify(row)}`;
  yield ']';
}

const MAX_FEED_DAYS = 31;

function feed({ body, seller, now }: Asked): unknown {
  const period = body['selectedPeriod'] as { start: string; end?: string } | undefined;
  const pagination = (body['pagination'] ?? {}) as { snapshotTime?: string; offset?: number; limit?: number };
  if (period === undefined) return refuse(400, { title: 'bad request', detail: 'selectedPeriod is required' });
  const [from, to] = [Date.parse(period.start), Date.parse(period.end ?? now.toISOString())];
  if (to - from > MAX_FEED_DAYS * 86_400_000)
    return refuse(400, { title: 'bad request', detail: 'period is too long' });
  const snapshotTime = pagination.snapshotTime ?? now.toISOString();
  const limit = pagination.limit ?? 50;
  if (limit > 10_000) return refuse(400, { title: 'bad request', detail: 'limit' });
  const found = seller.rows.feed
    // What changed after the snapshot is not in it.
    .filter((row) => at(row, 'updatedAt') >= from && at(row, 'updatedAt') <= Math.min(to, Date.parse(snapshotTime)))
    .toSorted(byText('updatedAt'))
    .toReversed();
  const offset = pagination.offset ?? 0;
  return { data: { snapshotTime, currency: 'RUB', orders: found.slice(offset, offset + limit) } };
}

const STATUSES = ['supplierStatus', 'wbStatus'] as const;

/** Without statuses: those are another method's. */
function shown(row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !STATUSES.includes(name as 'wbStatus')));
}

function fbsOrders({ request: { query }, seller, traps, now }: Asked): unknown {
  const limit = number(query.get('limit'), 0);
  if (limit < 1 || limit > 1_000 || query.get('next') === null)
    return refuse(400, { code: 'IncorrectRequest', message: 'limit and next', data: null });
  const to = number(query.get('dateTo'), Math.floor(now.getTime() / 1_000));
  const from = number(query.get('dateFrom'), to - 30 * 86_400);
  if (to - from > 30 * 86_400)
    return refuse(400, { code: 'IncorrectParameter', message: 'more than 30 days', data: null });
  const next = query.get('next')!;
  const found = seller.rows.fbs
    .filter((row) => at(row, 'createdAt') >= from * 1_000 && at(row, 'createdAt') <= to * 1_000 + 999)
    .filter((row) => traps.fbsNextRepeats || BigInt(plain(row['id'])) > BigInt(next))
    .sort((a, b) => (BigInt(plain(a['id'])) < BigInt(plain(b['id'])) ? -1 : 1))
    .slice(0, limit);
  const last = found.at(-1);
  return { next: last === undefined ? 0 : last['id'], orders: found.map(shown) };
}

function fbsStatuses({ body, seller, traps, request }: Asked): unknown {
  // Ids may pass 2^53: they are taken as digits.
  const ids = new Set(request.body.match(/\d+/g) ?? []);
  if (!Array.isArray(body['orders']) || ids.size === 0 || ids.size > 1_000)
    return refuse(400, { code: 'IncorrectRequestBody', message: '1 to 1000 orders', data: null });
  const found = traps.fbsStatuses === 'none' ? [] : seller.rows.fbs.filter((row) => ids.has(plain(row['id'])));
  return {
    orders: found.map(({ id, supplierStatus, wbStatus }) => ({ id, supplierStatus, wbStatus, isCancellable: false })),
  };
}

export const orderMethods: readonly Method[] = [
  {
    call: 'GET',
    path: '/statistics-api/api/v1/supplier/orders',
    category: 'statistics',
    group: 'statistics_orders',
    answer: statistics('orders'),
  },
  {
    call: 'GET',
    path: '/statistics-api/api/v1/supplier/sales',
    category: 'statistics',
    group: 'statistics_sales',
    answer: statistics('sales'),
  },
  {
    call: 'POST',
    path: '/seller-analytics-api/api/analytics/v1/order-feed',
    category: 'analytics',
    group: 'order_feed',
    answer: feed,
  },
  {
    call: 'GET',
    path: '/marketplace-api/api/v3/orders',
    category: 'marketplace',
    group: 'marketplace',
    answer: fbsOrders,
  },
  {
    call: 'POST',
    path: '/marketplace-api/api/v3/orders/status',
    category: 'marketplace',
    group: 'marketplace',
    answer: fbsStatuses,
  },
];
