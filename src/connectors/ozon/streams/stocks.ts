// Stocks as a snapshot. One list says of a thousand products how much there is in all by scheme; only what there is any of is asked
// for by warehouse. Where warehouses cannot be had, the whole amount stands without one, so that nothing is counted twice.

import { z } from 'zod';
import { AppError, reportOf, type ErrorReport } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { createOzonApi, type Context, type OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { listPages } from '../pages.ts';
import { batchesOf, type Row } from '../product-lists.ts';
import { maybeId, maybeList, rows } from '../schemas/scalars.ts';
import { parseStock, stockKey } from '../schemas/stocks.ts';
import type { OzonSettings } from '../settings.ts';
import { SNAPSHOT_CURSOR, snapshotPages, type SnapshotCursor, type SnapshotPart } from '../snapshots.ts';

const LIMIT = 1_000;
/** Most skus that a request for the platform's warehouses takes; the other one's bound is not documented. */
const PLATFORM_SKUS = 100;
const SELLER_SKUS = 500;

const totalsSchema = z.object({
  items: rows,
  cursor: z.string().nullish(),
  total: z.number().nullish(),
});
const itemSchema = z.object({
  product_id: maybeId,
  offer_id: z.unknown(),
  stocks: maybeList(z.record(z.string(), z.unknown())),
});
const sellerSchema = z.object({ products: rows, cursor: z.string().nullish(), has_next: z.boolean().nullish() });
const platformSchema = z.object({ items: rows });

interface Found {
  readonly rows: readonly Row[];
  readonly problems: readonly ErrorReport[];
}

/** How much of each product there is by scheme; an item that cannot be read stays as it is, to be quarantined. */
function totalsOf(items: readonly unknown[]): readonly Row[] {
  return items.flatMap((item): readonly Row[] => {
    const read = itemSchema.safeParse(item);
    if (!read.success) return [item as Row];
    const { product_id, offer_id, stocks } = read.data;
    return stocks.map((stock) => ({ place: 'total', product_id, offer_id, ...stock }));
  });
}

const skusOf = (totals: readonly Row[]): readonly string[] => [
  ...new Set(totals.flatMap((row) => keyIn(row, 'sku') ?? [])),
];
const isAny = ({ present, reserved, warehouse_ids: ids }: Row): boolean =>
  Number(present ?? 0) > 0 || Number(reserved ?? 0) > 0 || (Array.isArray(ids) && ids.length > 0);
const isPlatform = ({ type }: Row): boolean => type === 'fbo';

async function sellerRows(api: OzonApi, skus: readonly string[]): Promise<Found> {
  const found: Row[] = [];
  const problems: ErrorReport[] = [];
  for (const sku of batchesOf(skus, SELLER_SKUS)) {
    const pages = listPages('stocks of own warehouses', LIMIT, async (cursor) => {
      const body = { sku, limit: LIMIT, cursor };
      const answer = await api.call('/v2/product/info/stocks-by-warehouse/fbs', body, sellerSchema);
      return { rows: answer.products, cursor: answer.cursor ?? '', hasNext: answer.has_next ?? null };
    });
    for await (const page of pages) {
      found.push(...(page.rows as readonly Row[]));
      if (page.doubt !== null) problems.push(page.doubt);
    }
  }
  return { rows: found, problems };
}

async function platformRows(api: OzonApi, skus: readonly string[]): Promise<Found> {
  const found: Row[] = [];
  for (const batch of batchesOf(skus, PLATFORM_SKUS)) {
    const { items } = await api.call('/v1/analytics/stocks', { skus: batch }, platformSchema);
    found.push(...(items as readonly Row[]));
  }
  return { rows: found, problems: [] };
}

/** The whole amounts do without warehouses that the key does not open. */
async function whereAllowed(rowsOf: () => Promise<Found>): Promise<Found> {
  try {
    return await rowsOf();
  } catch (error) {
    if (!(error instanceof AppError && (error.kind === 'scope' || error.kind === 'gone'))) throw error;
    return { rows: [], problems: [reportOf(error)] };
  }
}

/** `totals` by warehouse, as far as warehouses are known. */
function placed(totals: readonly Row[], seller: Found, platform: Found): readonly Row[] {
  const totalBySku = new Map(totals.map((row) => [`${isPlatform(row)} ${keyIn(row, 'sku')}`, row]));
  const known = new Set<string>();
  const place = (found: Found, name: 'seller' | 'platform'): readonly Row[] =>
    found.rows.map((row) => {
      const key = `${name === 'platform'} ${keyIn(row, 'sku')}`;
      known.add(key);
      return { ...row, place: name, product_id: row['product_id'] ?? totalBySku.get(key)?.['product_id'] };
    });
  const places = [...place(seller, 'seller'), ...place(platform, 'platform')];
  return [...totals.filter((row) => !known.has(`${isPlatform(row)} ${keyIn(row, 'sku')}`)), ...places];
}

async function* readStocks(context: Context): AsyncGenerator<SnapshotPart> {
  const api = createOzonApi(context);
  const said = new Set<string>();
  const pages = listPages('stocks', LIMIT, async (cursor) => {
    const body = { cursor, limit: LIMIT, filter: { visibility: 'ALL' } };
    const { items, cursor: next, total } = await api.call('/v4/product/info/stocks', body, totalsSchema);
    return { rows: items, cursor: next ?? '', hasNext: null, total: total ?? null };
  });
  for await (const { rows: items, doubt } of pages) {
    const totals = totalsOf(items);
    const there = totals.filter(isAny);
    const seller = await whereAllowed(() => sellerRows(api, skusOf(there.filter((row) => !isPlatform(row)))));
    const platform = await whereAllowed(() => platformRows(api, skusOf(there.filter(isPlatform))));
    const all = [...seller.problems, ...platform.problems, ...(doubt === null ? [] : [doubt])];
    const problems = all.filter(({ message }) => !said.has(message));
    for (const { message } of problems) said.add(message);
    // What is left out because of the key is not gone: its amount stands without a warehouse.
    const isWhole = doubt === null && !seller.problems.some(({ code }) => code === 'platform.answer_invalid');
    yield { records: placed(totals, seller, platform), problems, isWhole };
  }
}

export const stocks = defineStream<OzonCredential, OzonSettings, 'stock', SnapshotCursor>({
  name: 'stocks',
  kind: 'stock',
  owner: 'user',
  defaultIntervalMinutes: 30,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 3,
  cursor: SNAPSHOT_CURSOR,
  highWaterMark: ({ readAt }) => new Date(readAt),
  read: (plan, context) => snapshotPages('stocks', plan, readStocks(context)),
  parse: parseStock,
  keyOf: stockKey,
});
