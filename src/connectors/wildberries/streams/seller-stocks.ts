// What lies in the seller's own warehouses. The method wants the ids of sizes, which the list of goods tells; each pass is a
// whole snapshot.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import type { Page } from '../../contract/stream.ts';
import { exactNumber } from '../../toolkit/exact-json.ts';
import { pagesOf } from '../../toolkit/pages.ts';
import { count, idText, maybeText } from '../../toolkit/scalars.ts';
import { createWildberriesApi, type WildberriesApi } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { SELLER_STOCKS, SELLER_WAREHOUSES } from '../endpoints.ts';
import { listGoods, type GoodsPage } from '../goods.ts';
import { parseSellerStock, sellerStockKey } from '../schemas/stocks.ts';
import type { WildberriesSettings } from '../settings.ts';

const cursorSchema = z.strictObject({ goodsOffset: z.int().min(0).nullable(), generation: z.string().min(1) });
type Cursor = z.output<typeof cursorSchema>;

const warehousesSchema = z.array(z.object({ id: idText, name: maybeText }));
const stocksSchema = z.object({ stocks: z.array(z.object({ chrtId: idText, amount: count })).nullish() });
const goodSchema = z.object({
  nmID: idText,
  vendorCode: maybeText,
  sizes: z.array(z.object({ sizeID: idText })).nullish(),
});

interface Size {
  readonly chrtId: string;
  readonly nmId: string;
  readonly vendorCode: string | null;
}

type Warehouse = z.output<typeof warehousesSchema>[number];

/** Goods that cannot be read are the stream of prices' to complain of. */
function sizesOf({ goods }: GoodsPage): readonly Size[] {
  return goods.flatMap((raw) => {
    const good = goodSchema.safeParse(raw).data;
    return (good?.sizes ?? []).map(({ sizeID }) => ({
      chrtId: sizeID,
      nmId: good!.nmID,
      vendorCode: good!.vendorCode,
    }));
  });
}

async function* stocksOf(api: WildberriesApi, warehouses: readonly Warehouse[], sizes: readonly Size[]) {
  const bySize = new Map(sizes.map((size) => [size.chrtId, size]));
  for (const { records } of pagesOf([...bySize.keys()])) {
    if (records.length === 0) continue;
    for (const { id, name } of warehouses) {
      const chrtIds = records.map(exactNumber);
      const answer = await api.ask(SELLER_STOCKS, stocksSchema, { path: { warehouseId: id }, body: { chrtIds } });
      yield (answer?.stocks ?? []).map((stock) => ({
        ...bySize.get(stock.chrtId),
        ...stock,
        warehouseId: id,
        warehouseName: name,
      }));
    }
  }
}

export const sellerStocks = defineStream<WildberriesCredential, WildberriesSettings, 'stock', Cursor>({
  name: 'seller_stocks',
  kind: 'stock',
  owner: 'user',
  defaultIntervalMinutes: 30,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 3,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: () => null,
  async *read({ cursor, until }, context): AsyncGenerator<Page<Cursor>> {
    const api = createWildberriesApi(context);
    const isResumed = cursor !== null && cursor.goodsOffset !== null;
    const generation = isResumed ? cursor.generation : until.toISOString();
    const scope = { kind: 'scope', key: 'seller', generation } as const;
    const warehouses = (await api.ask(SELLER_WAREHOUSES, warehousesSchema)) ?? [];
    if (warehouses.length > 0) {
      for await (const page of listGoods(api, isResumed ? cursor.goodsOffset! : 0)) {
        for await (const records of stocksOf(api, warehouses, sizesOf(page)))
          yield { records, mode: { ...scope, close: false } };
        if (!page.isLast)
          yield { records: [], mode: { ...scope, close: false }, checkpoint: { goodsOffset: page.next, generation } };
      }
    }
    yield { records: [], mode: { ...scope, close: true }, checkpoint: { goodsOffset: null, generation } };
  },
  parse: parseSellerStock,
  keyOf: sellerStockKey,
});
