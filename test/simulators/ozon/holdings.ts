// What each stream ought to find at the platform: its rows as the connector puts them together, without asking the connector.

import { plain } from './method.ts';
import type { Row, Seller } from './state.ts';

const without = (row: Row, ...names: readonly string[]): Row =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)));

const TYPES = { '1': 'Доставка', '74': 'Эквайринг' };

/** Lines of one day with one id are counted. */
function accruals(rows: readonly Row[]): Row[] {
  const counts = new Map<string, number>();
  return rows.map((row) => {
    const name = `${String(row['date'])} ${plain(row['accrual_id'])}`;
    const ordinal = (counts.get(name) ?? 0) + 1;
    counts.set(name, ordinal);
    return { ...row, ordinal, typeNames: TYPES };
  });
}

function stocks(rows: readonly Row[]): Row[] {
  return rows.flatMap((row) =>
    (row['stocks'] as Row[])
      .filter((stock) => stock['type'] !== 'fbo')
      .map((stock) => ({ ...without(row, 'stocks'), stock })),
  );
}

/** By stream, as JSON that an answer would carry. */
export function holdingsOf({ rows }: Seller): Readonly<Record<string, readonly Row[]>> {
  const listed = new Set(rows.stocks.flatMap((row) => (row['stocks'] as Row[]).map((stock) => plain(stock['sku']))));
  return {
    fbs_postings: rows.fbs.map((row) => without(row, 'changed_at', 'customer', 'addressee')),
    fbo_postings: rows.fbo.map((row) => without(row, 'changed_at')),
    products: rows.products,
    stocks: stocks(rows.stocks),
    fbo_stocks: rows.fboStocks.filter((row) => listed.has(plain(row['sku']))),
    prices: rows.prices,
    finance: accruals(rows.accruals),
    returns: rows.returns,
    reviews: rows.reviews,
    questions: rows.questions,
    analytics: rows.days.map((row) => ({
      ...row,
      figures: { returns: 0, cancellations: 0, delivered_units: 0, hits_tocart: 0, ...(row['figures'] as Row) },
    })),
    chats: rows.chats,
    chat_messages: rows.messages,
  };
}
