// Products, prices and stocks.

import { idsIn, invalid, pageOf, plain, type Asked, type Method } from './method.ts';
import type { Row } from './state.ts';

const isArchived = (row: Row): boolean => row['archived'] === true;

function products({ body, seller, traps }: Asked): unknown {
  const { visibility } = (body['filter'] ?? {}) as { visibility?: string };
  const limit = (body['limit'] ?? 1_000) as number;
  // "All" leaves the archive out.
  const found = seller.rows.products.filter((row) => isArchived(row) === (visibility === 'ARCHIVED'));
  const { rows, next } = pageOf(found, body['last_id'], limit, traps);
  const items = rows.map(({ product_id, offer_id, archived }) => ({ product_id, offer_id, archived }));
  return { result: { items, total: found.length, last_id: next } };
}

function info({ text, seller }: Asked): unknown {
  const ids = idsIn(text, 'product_id');
  if (ids.size === 0 || ids.size > 1_000) return invalid('product_id: 1 to 1000');
  const found = seller.rows.products.filter((row) => ids.has(plain(row['product_id'])));
  return { items: found.map((row) => ({ id: row['product_id'], offer_id: row['offer_id'], ...(row['info'] as Row) })) };
}

function attributes({ text, seller }: Asked): unknown {
  const ids = idsIn(text, 'product_id');
  const found = seller.rows.products.filter((row) => ids.has(plain(row['product_id'])));
  const result = found.map((row) => ({ id: row['product_id'], ...(row['attributes'] as Row) }));
  return { result, total: String(found.length), last_id: '' };
}

function prices({ body, seller, traps }: Asked): unknown {
  const { rows, next } = pageOf(seller.rows.prices, body['cursor'], (body['limit'] ?? 1_000) as number, traps);
  return { items: rows, cursor: next, total: seller.rows.prices.length };
}

function stocks({ body, seller, traps }: Asked): unknown {
  const { rows, next } = pageOf(seller.rows.stocks, body['cursor'], (body['limit'] ?? 1_000) as number, traps);
  const items = traps.smallLetters ? rows : rows.map(large);
  return { items, cursor: next, total: seller.rows.stocks.length };
}

/** The list of values of the documents has them in capitals. */
function large(row: Row): Row {
  return {
    ...row,
    stocks: (row['stocks'] as Row[]).map((stock) => ({ ...stock, type: String(stock['type']).toUpperCase() })),
  };
}

function fboStocks({ text, seller }: Asked): unknown {
  const skus = idsIn(text, 'skus');
  if (skus.size === 0 || skus.size > 100) return invalid('skus: 1 to 100');
  return { items: seller.rows.fboStocks.filter((row) => skus.has(plain(row['sku']))) };
}

export const catalogueMethods: readonly Method[] = [
  { path: '/v3/product/list', answer: products },
  { path: '/v3/product/info/list', answer: info },
  { path: '/v4/product/info/attributes', answer: attributes },
  { path: '/v5/product/info/prices', answer: prices },
  { path: '/v4/product/info/stocks', answer: stocks },
  { path: '/v1/analytics/stocks', answer: fboStocks },
];
