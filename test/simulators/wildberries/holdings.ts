// What each stream ought to find at the platform: its rows as the connector puts them together, without asking the connector.

import { plain } from './resource.ts';
import type { Row, Seller } from './state.ts';

const without = (row: Row, ...names: readonly string[]): Row =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)));

/** A card was never sold, never seen. */
const isIdle = (row: Row): boolean =>
  Object.values((row['statistic'] as { selected: Row }).selected).every((value) => value === 0);

function sellerStocks({ rows }: Seller): Row[] {
  return rows.goods.flatMap((good) =>
    (good['sizes'] as Row[]).flatMap((size) =>
      rows.sellerStocks
        .filter((stock) => plain(stock['chrtId']) === plain(size['sizeID']))
        .map((stock) => ({ ...stock, warehouseName: 'Own', nmId: good['nmID'], vendorCode: good['vendorCode'] })),
    ),
  );
}

/** By stream, as JSON that an answer would carry. */
export function holdingsOf(seller: Seller): Readonly<Record<string, readonly Row[]>> {
  const { rows } = seller;
  return {
    orders: rows.orders,
    sales: rows.sales,
    order_feed: rows.feed.map((row) => ({ ...row, currency: 'RUB' })),
    fbs_orders: rows.fbs.map((row) => without(row, 'address')),
    stocks: rows.wbStocks,
    seller_stocks: sellerStocks(seller),
    cards: [...rows.cards, ...rows.trash],
    prices: rows.goods.flatMap((good) => (good['sizes'] as Row[]).map((size) => ({ ...without(good, 'sizes'), size }))),
    supplies: rows.supplies.map((row) => without(row, 'phone')),
    finance: rows.lines,
    analytics: rows.funnel.filter((row) => !isIdle(row)).map((row) => ({ ...row, currency: 'RUB' })),
    feedbacks: [...rows.feedbacks, ...rows.archive.map((row) => ({ ...row, isArchived: true }))],
    questions: rows.questions,
    chats: rows.chats.map((row) => without(row, 'replySign')),
    chat_messages: rows.events.map((row) => without(row, 'replySign')),
    claims: rows.claims,
    goods_returns: rows.goodsReturns,
  };
}
