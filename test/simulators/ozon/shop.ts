// A shop with everything that a seller has, made up at random: it grows and changes as a real one does, and each change is seen by
// the methods that would show it. The same seed gives the same shop.

import { plain } from './method.ts';
import { Shelves, type ShopOptions } from './shelves.ts';
import { addMoneyLine, addReturn, answerSomebody, changeReturn, speak } from './shop-talk.ts';
import type { Row } from './state.ts';

function addProduct(shop: Shelves): void {
  const [productId, sku] = [shop.id(), shop.id()];
  const offer = `art-${plain(productId).slice(-5)}`;
  const stamp = shop.now().toISOString();
  shop.rows.products.push({
    product_id: productId,
    offer_id: offer,
    archived: false,
    info: {
      sku,
      name: `Кружка ${offer}`,
      barcodes: [`OZN${plain(sku)}`],
      images: [],
      primary_image: [`https://img.test/${plain(sku)}.jpg`],
      statuses: { status: 'price_sent', status_name: 'Продается', moderate_status: 'approved' },
      visibility_details: { has_price: true, has_stock: true },
      sources: [{ sku, source: 'sds', shipment_type: 'SHIPMENT_TYPE_GENERAL' }],
      is_archived: false,
      description_category_id: 17_028_922,
      type_id: 970_940,
      vat: '0.20',
      created_at: stamp,
      updated_at: stamp,
    },
    attributes: {
      attributes: [{ id: 85, complex_id: 0, values: [{ dictionary_value_id: 5_056_777, value: 'North' }] }],
      height: 90,
      width: 80,
      depth: 80,
      dimension_unit: 'mm',
      weight: 300,
      weight_unit: 'g',
    },
  });
  shop.rows.prices.push({
    product_id: productId,
    offer_id: offer,
    price: {
      price: shop.random.int(100, 90_000) / 100,
      old_price: 1_000,
      min_price: 90.5,
      currency_code: 'RUB',
      vat: 0.2,
    },
    price_indexes: { color_index: 'GREEN' },
    acquiring: 12,
    volume_weight: 0.3,
    commissions: { sales_percent_fbs: 17 },
  });
  const stock = { sku, reserved: 0, warehouse_ids: [22] };
  shop.rows.stocks.push({
    product_id: productId,
    offer_id: offer,
    stocks: [
      { ...stock, type: 'fbs', present: shop.random.int(0, 40) },
      { ...stock, type: 'fbo', present: 5 },
    ],
  });
  for (const warehouse of [31, 32])
    shop.rows.fboStocks.push({
      sku,
      offer_id: offer,
      warehouse_id: warehouse,
      warehouse_name: `Хоругвино ${warehouse}`,
      cluster_id: 1,
      cluster_name: 'Москва',
      available_stock_count: shop.random.int(0, 40),
      transit_stock_count: 1,
    });
}

function touchProduct(shop: Shelves): void {
  const product = shop.pick(shop.rows.products);
  if (product === undefined) return;
  const isArchived = shop.random.chance(0.3);
  product['archived'] = isArchived;
  Object.assign(product['info'] as Row, {
    name: `Кружка ${shop.random.int(1, 99)}`,
    is_archived: isArchived,
    updated_at: shop.now().toISOString(),
  });
}

function removeProduct(shop: Shelves): void {
  const { products, prices, stocks } = shop.rows;
  if (products.length < 3) return;
  const [gone] = products.splice(shop.random.int(0, products.length - 1), 1);
  const id = plain(gone!['product_id']);
  for (const rows of [prices, stocks])
    rows.splice(0, rows.length, ...rows.filter((row) => plain(row['product_id']) !== id));
}

function restock(shop: Shelves): void {
  const [stock] = (shop.pick(shop.rows.stocks)?.['stocks'] ?? []) as Row[];
  if (stock !== undefined) stock['present'] = shop.random.int(0, 500);
  const fbo = shop.pick(shop.rows.fboStocks);
  if (fbo !== undefined) fbo['available_stock_count'] = shop.random.int(0, 500);
  const price = shop.pick(shop.rows.prices)?.['price'] as Row | undefined;
  if (price !== undefined) price['price'] = shop.random.int(100, 5_000);
}

function addPosting(shop: Shelves): void {
  const product = shop.pick(shop.rows.products);
  const stamp = shop.now().toISOString();
  const created = shop.recently(1).toISOString();
  const number = `${plain(shop.id())}-0001`;
  const line = {
    sku: (product?.['info'] as Row | undefined)?.['sku'] ?? 1,
    offer_id: product?.['offer_id'] ?? '',
    name: 'Кружка',
    quantity: shop.random.int(1, 3),
    price: { amount: '1200.0000', currency: 'RUB' },
  };
  const isFbs = shop.random.chance(0.6);
  const paid = {
    product_id: product?.['product_id'] ?? 1,
    payout: 0,
    price: 1_200,
    commission: { amount: 0, currency: 'RUB', percent: 17 },
  };
  (isFbs ? shop.rows.fbs : shop.rows.fbo).push({
    posting_number: `${number}-1`,
    order_id: shop.id(),
    order_number: number,
    parent_posting_number: '',
    status: 'awaiting_packaging',
    substatus: 'posting_created',
    created_at: created,
    in_process_at: created,
    changed_at: stamp,
    products: [line, line],
    financial_data: {
      products: [
        {
          ...paid,
          quantity: line.quantity,
          ...(isFbs ? { customer_price: { amount: '655.50', currency: 'RUB' } } : {}),
        },
        paid,
      ],
    },
    analytics_data: { region: 'Москва', city: 'Москва', warehouse_id: 22, warehouse_name: 'Хоругвино' },
    ...(isFbs
      ? {
          customer: { name: 'a name that nobody must keep' },
          addressee: { name: 'nor this one' },
          delivery_method: { id: 1, name: 'Ozon', warehouse_id: 22, warehouse: 'Own' },
        }
      : {}),
  });
}

function advancePosting(shop: Shelves): void {
  const posting = shop.pick([...shop.rows.fbs, ...shop.rows.fbo]);
  if (posting === undefined || ['delivered', 'cancelled'].includes(posting['status'] as string)) return;
  const status = shop.random.pick(['awaiting_deliver', 'delivering', 'delivered', 'cancelled']);
  Object.assign(posting, { status, changed_at: shop.now().toISOString() });
}

export interface Shop {
  /** A shop of this many products and postings, with some of everything else. */
  grow(size: { readonly products: number; readonly postings: number }): void;
  /** So many things happen. */
  change(times: number): void;
}

const HAPPENINGS: readonly ((shop: Shelves) => void)[] = [
  addProduct,
  touchProduct,
  removeProduct,
  restock,
  addPosting,
  addPosting,
  advancePosting,
  advancePosting,
  addMoneyLine,
  addReturn,
  changeReturn,
  speak,
  answerSomebody,
];

export function openShop(options: ShopOptions): Shop {
  const shop = new Shelves(options);
  return {
    grow({ products, postings }) {
      for (let n = 0; n < products; n += 1) addProduct(shop);
      for (let n = 0; n < postings; n += 1) addPosting(shop);
      for (let n = 0; n < Math.ceil(postings / 3); n += 1)
        for (const happen of [addMoneyLine, addReturn, speak]) happen(shop);
      shop.isMadeUp = true;
    },
    change(times) {
      for (let n = 0; n < times; n += 1) shop.random.pick(HAPPENINGS)(shop);
    },
  };
}
