// The methods that are used, with the category of token that opens them and the bucket they are charged to.

import type { LimitGroup } from './limits.ts';
import type { Category } from './token.ts';

export interface Endpoint {
  readonly method: 'GET' | 'POST';
  /** First label of the host. */
  readonly host: string;
  /** `{name}` stands for a path parameter. */
  readonly path: string;
  /** Null: any token, or its bit is not documented. */
  readonly category: Category | null;
  readonly group: LimitGroup;
}

const endpoint = (
  call: `${'GET' | 'POST'} ${string}`,
  host: string,
  { category, group }: Pick<Endpoint, 'category' | 'group'>,
): Endpoint => {
  const [method = '', path = ''] = call.split(' ');
  return { method: method as Endpoint['method'], host, path, category, group };
};

const statistics = (path: string, group: LimitGroup): Endpoint =>
  endpoint(`GET ${path}`, 'statistics-api', { category: 'statistics', group });
const analytics = (call: `${'GET' | 'POST'} ${string}`, group: LimitGroup): Endpoint =>
  endpoint(call, 'seller-analytics-api', { category: 'analytics', group });
const marketplace = (call: `${'GET' | 'POST'} ${string}`): Endpoint =>
  endpoint(call, 'marketplace-api', { category: 'marketplace', group: 'marketplace' });
const content = (path: string): Endpoint =>
  endpoint(`POST ${path}`, 'content-api', { category: 'content', group: 'content' });
const feedbacks = (path: string): Endpoint =>
  endpoint(`GET ${path}`, 'feedbacks-api', { category: 'feedbacks', group: 'feedbacks' });
const chat = (path: string): Endpoint => endpoint(`GET ${path}`, 'buyer-chat-api', { category: 'chat', group: 'chat' });
const supplies = (call: `${'GET' | 'POST'} ${string}`): Endpoint =>
  endpoint(call, 'supplies-api', { category: 'supplies', group: 'supplies' });
const finance = (path: string, group: LimitGroup): Endpoint =>
  endpoint(`POST ${path}`, 'finance-api', { category: null, group });

export const SELLER_INFO = endpoint('GET /api/v1/seller-info', 'common-api', { category: null, group: 'common' });
export const SUBSCRIPTIONS = endpoint('GET /api/common/v1/subscriptions', 'common-api', {
  category: null,
  group: 'subscriptions',
});
export const SELLER_RATING = endpoint('GET /api/common/v1/rating', 'feedbacks-api', {
  category: 'feedbacks',
  group: 'rating',
});
export const ORDERS = statistics('/api/v1/supplier/orders', 'statistics_orders');
export const SALES = statistics('/api/v1/supplier/sales', 'statistics_sales');
export const ORDER_FEED = analytics('POST /api/analytics/v1/order-feed', 'order_feed');
export const WB_STOCKS = analytics('POST /api/analytics/v1/stocks-report/wb-warehouses', 'stocks_report');
export const FUNNEL = analytics('POST /api/analytics/v3/sales-funnel/products', 'analytics');
export const GOODS_RETURN = analytics('GET /api/v1/analytics/goods-return', 'goods_return');
export const FBS_ORDERS = marketplace('GET /api/v3/orders');
export const FBS_STATUSES = marketplace('POST /api/v3/orders/status');
export const SELLER_WAREHOUSES = marketplace('GET /api/v3/warehouses');
export const SELLER_STOCKS = marketplace('POST /api/v3/stocks/{warehouseId}');
export const CARDS = content('/content/v2/get/cards/list');
export const TRASH = content('/content/v2/get/cards/trash');
export const PRICES = endpoint('GET /api/v2/list/goods/filter', 'discounts-prices-api', {
  category: 'prices',
  group: 'prices',
});
export const FEEDBACKS = feedbacks('/api/v1/feedbacks');
export const FEEDBACKS_ARCHIVE = feedbacks('/api/v1/feedbacks/archive');
export const QUESTIONS = feedbacks('/api/v1/questions');
export const CHATS = chat('/api/v1/seller/chats');
export const CHAT_EVENTS = chat('/api/v1/seller/events');
export const CLAIMS = endpoint('GET /api/v1/claims', 'returns-api', { category: 'returns', group: 'claims' });
export const SUPPLIES = supplies('POST /api/v1/supplies');
export const SUPPLY = supplies('GET /api/v1/supplies/{ID}');
export const SUPPLY_GOODS = supplies('GET /api/v1/supplies/{ID}/goods');
export const FINANCE_REPORTS = finance('/api/finance/v1/sales-reports/list', 'finance_list');
export const FINANCE_REPORT = finance('/api/finance/v1/sales-reports/detailed/{reportId}', 'finance_detailed');

/** `host`'s own answer to anybody with its category: proves the token. */
export function pingOf({ host, category }: Endpoint): Endpoint {
  return { method: 'GET', host, path: '/ping', category, group: 'ping' };
}

/** One method of each category, for the ping that proves a token. */
export const BY_CATEGORY: readonly Endpoint[] = [
  ORDERS,
  FBS_ORDERS,
  CARDS,
  PRICES,
  ORDER_FEED,
  FEEDBACKS,
  CHATS,
  CLAIMS,
  SUPPLIES,
];

export const HOSTS: readonly string[] = [
  ...new Set([SELLER_INFO, FINANCE_REPORTS, ...BY_CATEGORY].map(({ host }) => `${host}.wildberries.ru`)),
];
