// How much of each good lies where, and what it costs. The goods are those of the catalogue.

import { invalidArgument } from './failure.ts';
import type { Good } from './goods.ts';
import { catalogue, goodsPage, selectedGoods } from './catalogue.ts';
import { pageOf } from './paging.ts';
import { decimalNumber, defineResource, idNumber, limitIn, textIn, textsIn, type Call } from './resource.ts';

const MAX_SKUS = 100;

/** Shares the state of the catalogue by its name. */
export const stocks = defineResource({
  name: catalogue.name,
  create: catalogue.create,
  methods: {
    '/v4/product/info/stocks': (goods, call) => {
      const all = selectedGoods(goods, call);
      const page = goodsPage(all, call, 'cursor');
      return { items: page.rows.map(totalJson), cursor: page.cursor, total: all.length };
    },
    '/v2/product/info/stocks-by-warehouse/fbs': ({ all }, call) => {
      const rows = goodsOfSkus([...all.values()], call, 'sku').flatMap((good) =>
        [...good.fbs].map(([warehouseId, { present, reserved }]) => ({
          free_stock: present - reserved,
          offer_id: good.offerId,
          present,
          product_id: idNumber(good.productId),
          reserved,
          sku: idNumber(good.sku),
          warehouse_id: idNumber(warehouseId),
          warehouse_name: `Own ${warehouseId}`,
        })),
      );
      const limit = limitIn(call.body, { max: 1_000 });
      const page = pageOf(rows, { cursor: textIn(call.body, 'cursor') ?? '', limit }, call.traps);
      return { products: page.rows, cursor: page.cursor, has_next: page.hasNext };
    },
    '/v1/analytics/stocks': ({ all }, call) => {
      if ((textsIn(call.body, 'skus') ?? []).length > MAX_SKUS)
        throw invalidArgument('invalid Request.Skus: at most 100');
      const items = goodsOfSkus([...all.values()], call, 'skus').flatMap((good) =>
        [...good.fbo].map(([warehouseId, count]) => ({
          available_stock_count: count,
          cluster_id: 4039,
          cluster_name: 'Moscow',
          offer_id: good.offerId,
          return_from_customer_stock_count: 1,
          sku: idNumber(good.sku),
          transit_stock_count: 2,
          valid_stock_count: count,
          warehouse_id: idNumber(warehouseId),
          warehouse_name: `WAREHOUSE_${warehouseId}`,
        })),
      );
      return { items };
    },
    '/v5/product/info/prices': (goods, call) => {
      const all = selectedGoods(goods, call);
      const page = goodsPage(all, call, 'cursor');
      return { items: page.rows.map(priceJson), cursor: page.cursor, total: all.length };
    },
  },
});

function goodsOfSkus(all: readonly Good[], { body }: Call, member: string): readonly Good[] {
  const skus = new Set(textsIn(body, member));
  if (skus.size === 0) throw invalidArgument(`invalid Request: ${member} is required`);
  return all.filter(({ sku }) => skus.has(sku));
}

function totalJson(good: Good): object {
  const fbs = [...good.fbs.values()];
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
  const entry = { shipment_type: 'SHIPMENT_TYPE_GENERAL', sku: idNumber(good.sku) };
  return {
    offer_id: good.offerId,
    product_id: idNumber(good.productId),
    stocks: [
      { ...entry, type: 'fbo', present: sum([...good.fbo.values()]), reserved: 0, warehouse_ids: [] },
      {
        ...entry,
        type: 'fbs',
        present: sum(fbs.map(({ present }) => present)),
        reserved: sum(fbs.map(({ reserved }) => reserved)),
        warehouse_ids: [...good.fbs.keys()].map(idNumber),
      },
    ],
  };
}

function priceJson(good: Good): object {
  return {
    acquiring: 8,
    commissions: { sales_percent_fbo: 15, sales_percent_fbs: 18.5 },
    marketing_actions: null,
    offer_id: good.offerId,
    price: {
      auto_action_enabled: false,
      currency_code: good.currency,
      marketing_seller_price: decimalNumber(good.price),
      min_price: 0,
      net_price: 0,
      old_price: decimalNumber(good.oldPrice),
      price: decimalNumber(good.price),
      vat: decimalNumber('0.2'),
    },
    price_indexes: null,
    product_id: idNumber(good.productId),
    volume_weight: decimalNumber('0.1'),
  };
}
