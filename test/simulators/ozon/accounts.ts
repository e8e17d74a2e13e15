// The shop itself, its accounts, and its figures.

import { invalid, Refusal, type Asked, type Method } from './method.ts';
import type { Row } from './state.ts';

const ALL_METHODS = [
  '/v4/posting/fbs/list',
  '/v3/posting/fbo/list',
  '/v3/product/list',
  '/v4/product/info/stocks',
  '/v5/product/info/prices',
  '/v1/finance/accrual/by-day',
  '/v1/returns/list',
  '/v3/chat/list',
];

function roles({ seller }: Asked): unknown {
  const methods = ALL_METHODS.filter((method) => !seller.closed.has(method));
  return { expires_at: seller.keyExpiresAt.toISOString(), roles: [{ name: 'Admin read only', methods }] };
}

function info({ seller }: Asked): unknown {
  const company = {
    name: `Shop ${seller.clientId}`,
    legal_name: 'Shop LLC',
    inn: '7700000000',
    country: 'Россия',
    currency: 'RUB',
  };
  return {
    company,
    ratings: [],
    subscription: { is_premium: seller.subscription !== 'UNSPECIFIED', type: seller.subscription },
  };
}

function ratings(): unknown {
  const items = [{ name: 'Индекс цен', rating: 'rating_price', status: 'OK', current_value: 4.75, past_value: null }];
  return { groups: [{ group_name: 'Цены', items }], premium: true };
}

/** Where a page of a day begins; it lives for a while only, and belongs to its day. */
function accruals({ body, seller, traps, now }: Asked): unknown {
  const { date, last_id: place } = body as { date?: string; last_id?: string };
  if (date === undefined || date < '2022-01-01') return invalid('date: must not be before 2022-01-01');
  let offset = 0;
  if (place !== undefined && place !== '') {
    const [of, from, madeAt] = Buffer.from(place, 'base64url').toString().split('|');
    if (of !== date || now.getTime() - Number(madeAt) > traps.placeLivesMs)
      return invalid('last_id: invalid or expired');
    offset = Number(from);
  }
  const found = seller.rows.accruals.filter((row) => row['date'] === date);
  const page = found.slice(offset, offset + traps.accrualsPage);
  const isEnd = offset + page.length >= found.length;
  const next = Buffer.from(`${date}|${offset + page.length}|${now.getTime()}`).toString('base64url');
  return { accruals: page, last_id: isEnd ? '' : next };
}

const METRICS = new Set([
  'revenue',
  'ordered_units',
  'hits_view',
  'hits_tocart',
  'returns',
  'cancellations',
  'delivered_units',
]);
const FREE = new Set(['revenue', 'ordered_units']);
const FREE_DAYS = 92;

/** Figures come in the order in which they are asked for, without their names. */
function figures({ body, seller, now }: Asked): unknown {
  const {
    date_from: from = '',
    date_to: to = '',
    metrics = [],
    limit = 0,
    offset = 0,
  } = body as Record<string, never> & { metrics?: string[] };
  const isRich = ['PREMIUM_PLUS', 'PREMIUM_PRO'].includes(seller.subscription);
  const isAllowed =
    isRich || (metrics.every((name) => FREE.has(name)) && now.getTime() - Date.parse(from) < FREE_DAYS * 86_400_000);
  if (!isAllowed) return new Refusal(403, 7, 'not available with existing subscription');
  if (limit < 1 || limit > 1_000 || metrics.some((name) => !METRICS.has(name))) return invalid('metrics or limit');
  const found = seller.rows.days.filter((row) => String(row['day']) >= from && String(row['day']) <= to);
  const data = found.slice(offset, offset + limit).map((row) => ({
    dimensions: [
      { id: String(row['sku']), name: 'Mug' },
      { id: row['day'], name: '' },
    ],
    metrics: metrics.map((name) => (row['figures'] as Row)[name] ?? 0),
  }));
  return { result: { data, totals: metrics.map(() => 0) }, timestamp: '2026-10-01 12:00:00' };
}

const types = [
  { id: 1, name: 'Доставка', description: '' },
  { id: 74, name: 'Эквайринг', description: '' },
];

export const accountMethods: readonly Method[] = [
  { path: '/v1/roles', answer: roles },
  { path: '/v1/seller/info', answer: info },
  { path: '/v1/rating/summary', answer: ratings },
  { path: '/v1/finance/accrual/types', answer: () => ({ accrual_types: types }) },
  { path: '/v1/finance/accrual/by-day', answer: accruals },
  { path: '/v1/analytics/data', answer: figures },
];
