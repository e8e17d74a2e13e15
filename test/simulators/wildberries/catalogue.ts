// Cards, their trash, prices, stocks and supplies.

import { Answer, byText, number, plain, refuse, type Asked, type Method } from './resource.ts';
import type { Row } from './state.ts';

interface CardSettings {
  readonly sort?: { readonly ascending?: boolean };
  readonly cursor?: { readonly limit?: number; readonly updatedAt?: string; readonly trashedAt?: string };
  readonly filter?: { readonly withPhoto?: number };
}

const failedInside = { data: null, error: true, errorText: 'internal error, try later', additionalErrors: null };

/** A list by the instant `name`; the cursor is the place of its last card, and both members of it count. */
function cardList(resource: 'cards' | 'trash', name: 'updatedAt' | 'trashedAt') {
  return ({ body, seller, traps, request }: Asked): unknown => {
    if (traps.errorsInside > 0) {
      traps.errorsInside -= 1;
      return failedInside;
    }
    const { sort, cursor = {}, filter = {} } = (body['settings'] ?? {}) as CardSettings;
    const limit = cursor.limit ?? 10;
    if (limit > 100) return refuse(400, { data: null, error: true, errorText: 'limit', additionalErrors: null });
    // The number of a card may pass 2^53: it is read from the text.
    const nmId = /"nmID":(\d+)/.exec(request.body)?.[1];
    const after = nmId === undefined ? undefined : placeOf(cursor[name] ?? '', nmId);
    const withPhoto = filter.withPhoto ?? 0;
    const found = seller.rows[resource]
      .filter((row) => resource === 'trash' || withPhoto === -1 || (withPhoto === 1) === hasPhoto(row))
      .sort((a, b) => compare(placeOf(String(a[name]), plain(a['nmID'])), placeOf(String(b[name]), plain(b['nmID']))));
    if (sort?.ascending !== true) found.reverse();
    const rest = found.filter(
      (row) =>
        after === undefined ||
        traps.cardsCursorRepeats ||
        compare(placeOf(String(row[name]), plain(row['nmID'])), after) * (sort?.ascending === true ? 1 : -1) > 0,
    );
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    const place = last === undefined ? {} : { [name]: last[name], nmID: last['nmID'] };
    return { cards: page, cursor: { ...place, total: page.length } };
  };
}

const hasPhoto = (row: Row): boolean => Array.isArray(row['photos']) && row['photos'].length > 0;

type Place = readonly [string, bigint];
const placeOf = (instant: string, nmId: string): Place => [instant, BigInt(nmId)];
function compare(a: Place, b: Place): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  return a[1] === b[1] ? 0 : a[1] < b[1] ? -1 : 1;
}

function goods({ request: { query }, seller }: Asked): unknown {
  const limit = number(query.get('limit'), 0);
  if (limit < 1 || limit > 1_000) return refuse(400, { data: null, error: true, errorText: 'limit' });
  const offset = number(query.get('offset'), 0);
  return { data: { listGoods: seller.rows.goods.slice(offset, offset + limit) }, error: false, errorText: '' };
}

function wbStocks({ body, seller }: Asked): unknown {
  const limit = (body['limit'] ?? 250_000) as number;
  const offset = (body['offset'] ?? 0) as number;
  return { data: { items: seller.rows.wbStocks.slice(offset, offset + limit) } };
}

function sellerStocks({ request, seller }: Asked): unknown {
  const ids = new Set(request.body.match(/\d+/g) ?? []);
  if (ids.size === 0 || ids.size > 1_000)
    return refuse(400, { code: 'IncorrectRequestBody', message: 'chrtIds', data: null });
  const warehouse = request.params['warehouseId'];
  const found = seller.rows.sellerStocks.filter(
    (row) => plain(row['warehouseId']) === warehouse && ids.has(plain(row['chrtId'])),
  );
  return { stocks: found.map(({ chrtId, amount }) => ({ chrtId, amount })) };
}

const LISTED = ['supplyID', 'preorderID', 'createDate', 'supplyDate', 'factDate', 'updatedDate', 'statusID', 'phone'];

function supplies({ request: { query }, body, seller }: Asked): unknown {
  const [range] = (body['dates'] ?? []) as { from: string; till: string; type: string }[];
  const found = seller.rows.supplies
    .filter((row) => range === undefined || inDays(textOf(row[range.type]), range))
    .sort(byText('createDate'));
  const offset = number(query.get('offset'), 0);
  const page = found.slice(offset, offset + number(query.get('limit'), 1_000));
  return page.map((row) => Object.fromEntries(LISTED.map((name) => [name, row[name] ?? null])));
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

function inDays(instant: string, { from, till }: { readonly from: string; readonly till: string }): boolean {
  const day = instant.slice(0, 10);
  return day !== '' && day >= from && day <= till;
}

function findSupply({ request, seller }: Asked): Row | undefined {
  const name = request.query.get('isPreorderID') === 'true' ? 'preorderID' : 'supplyID';
  return seller.rows.supplies.find((row) => plain(row[name]) === request.params['ID']);
}

function supply(asked: Asked): unknown {
  const found = findSupply(asked);
  if (found === undefined) return refuse(404, { title: 'not found', detail: 'no such supply' });
  const { goods: _goods, supplyID: _supply, preorderID: _preorder, ...details } = found;
  return details;
}

function supplyGoods(asked: Asked): unknown {
  const all = (findSupply(asked)?.['goods'] ?? []) as Row[];
  const offset = number(asked.request.query.get('offset'), 0);
  return new Answer({ status: 200, body: all.slice(offset, offset + number(asked.request.query.get('limit'), 100)) });
}

const content = { call: 'POST', category: 'content', group: 'content' } as const;
const marketplace = { category: 'marketplace', group: 'marketplace' } as const;
const supplying = { category: 'supplies', group: 'supplies' } as const;

export const catalogueMethods: readonly Method[] = [
  { ...content, path: '/content-api/content/v2/get/cards/list', answer: cardList('cards', 'updatedAt') },
  { ...content, path: '/content-api/content/v2/get/cards/trash', answer: cardList('trash', 'trashedAt') },
  {
    call: 'GET',
    path: '/discounts-prices-api/api/v2/list/goods/filter',
    category: 'prices',
    group: 'prices',
    answer: goods,
  },
  {
    call: 'POST',
    path: '/seller-analytics-api/api/analytics/v1/stocks-report/wb-warehouses',
    category: 'analytics',
    group: 'stocks_report',
    noBase: true,
    answer: wbStocks,
  },
  {
    call: 'GET',
    path: '/marketplace-api/api/v3/warehouses',
    ...marketplace,
    answer: ({ seller }) => seller.rows.warehouses,
  },
  { call: 'POST', path: '/marketplace-api/api/v3/stocks/{warehouseId}', ...marketplace, answer: sellerStocks },
  { call: 'POST', path: '/supplies-api/api/v1/supplies', ...supplying, answer: supplies },
  { call: 'GET', path: '/supplies-api/api/v1/supplies/{ID}', ...supplying, answer: supply },
  { call: 'GET', path: '/supplies-api/api/v1/supplies/{ID}/goods', ...supplying, answer: supplyGoods },
];
