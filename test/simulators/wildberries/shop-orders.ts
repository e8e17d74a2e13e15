// Orders of a made-up shop, and what becomes of them.

import { plain } from './resource.ts';
import { moscow, type Shelves } from './shelves.ts';
import type { Row } from './state.ts';

export function addOrder(shop: Shelves): void {
  const card = shop.pick(shop.rows.cards);
  if (card === undefined) return;
  const placed = shop.recently(1);
  const srid = `s${plain(shop.id())}.r.0`;
  const isFbs = shop.random.chance(0.5);
  const price = shop.random.int(100, 90_000) / 100;
  const [size] = card['sizes'] as [{ chrtID: unknown; skus: string[] }];
  const about = { srid, nmId: card['nmID'], warehouseName: 'Тула' };
  const statistic = {
    ...about,
    date: moscow(placed),
    lastChangeDate: moscow(shop.now()),
    warehouseType: isFbs ? 'Склад продавца' : 'Склад WB',
    regionName: 'Московская',
    supplierArticle: card['vendorCode'],
    barcode: size.skus[0],
    category: 'Home',
    subject: 'Mugs',
    brand: 'North',
    techSize: '0',
    incomeID: 0,
    totalPrice: price,
    discountPercent: 10,
    spp: 12.5,
    finishedPrice: price,
    // Filled in later.
    priceWithDisc: shop.random.chance(0.3) ? 0 : price,
    gNumber: `g${srid}`,
  };
  shop.rows.orders.push({ ...statistic, isCancel: false, cancelDate: '0001-01-01T00:00:00' });
  shop.rows.feed.push({
    ...about,
    chrtId: size.chrtID,
    createdAt: placed.toISOString(),
    updatedAt: shop.now().toISOString(),
    status: 'created',
    warehouseRegion: 'Центр',
    isMp: isFbs,
    destinationCity: 'Москва',
    destinationDistrict: 'Центральный',
    sellerPrice: price,
    isB2b: false,
  });
  if (!isFbs) return;
  shop.rows.fbs.push({
    id: shop.id(),
    rid: srid,
    orderUid: `g${srid}`,
    createdAt: placed.toISOString(),
    nmId: card['nmID'],
    chrtId: size.chrtID,
    skus: size.skus,
    article: card['vendorCode'],
    price: Math.round(price * 100),
    convertedPrice: Math.round(price * 100),
    currencyCode: 643,
    convertedCurrencyCode: 643,
    warehouseId: 71,
    supplyId: '',
    cargoType: 1,
    address: { fullAddress: 'a street that nobody must keep', longitude: 1, latitude: 2 },
    supplierStatus: 'new',
    wbStatus: 'waiting',
  });
}

export function advanceOrder(shop: Shelves): void {
  const order = shop.pick(shop.rows.orders);
  if (order === undefined) return;
  const srid = order['srid'];
  const feed = shop.rows.feed.find((row) => row['srid'] === srid)!;
  const fbs = shop.rows.fbs.find((row) => row['rid'] === srid);
  const now = shop.now();
  const next = shop.random.pick(['filled', 'shipped', 'bought', 'cancelled', 'returned'] as const);
  if (next === 'filled') Object.assign(order, { priceWithDisc: order['totalPrice'], lastChangeDate: moscow(now) });
  if (next === 'shipped')
    Object.assign(fbs ?? {}, { supplierStatus: 'complete', wbStatus: 'sorted', supplyId: 'WB-GI-7' });
  if (next === 'cancelled') {
    Object.assign(order, { isCancel: true, cancelDate: moscow(now), lastChangeDate: moscow(now) });
    Object.assign(feed, { status: 'cancel', cancelType: 'app', updatedAt: now.toISOString() });
    Object.assign(fbs ?? {}, { supplierStatus: 'cancel', wbStatus: 'canceled_by_client' });
  }
  if (next === 'bought' || next === 'returned') sell(shop, order, feed, next);
  if (next === 'bought') Object.assign(fbs ?? {}, { supplierStatus: 'complete', wbStatus: 'sold' });
}

/** An order may be sold and come back: two rows of one `srid`. */
function sell(shop: Shelves, order: Row, feed: Row, what: 'bought' | 'returned'): void {
  const now = shop.now();
  const sign = what === 'bought' ? 1 : -1;
  Object.assign(feed, { status: what === 'bought' ? 'buyout' : 'return', updatedAt: now.toISOString() });
  const { isCancel: _is, cancelDate: _date, ...about } = order;
  const price = (order['totalPrice'] as number) * sign;
  shop.rows.sales.push({
    ...about,
    date: moscow(now),
    lastChangeDate: moscow(now),
    saleID: `${what === 'bought' ? 'S' : 'R'}${plain(shop.id())}`,
    forPay: price,
    finishedPrice: price,
    priceWithDisc: price,
    paymentSaleAmount: 0,
  });
  if (what === 'returned')
    shop.rows.goodsReturns.push({
      shkId: shop.id(),
      srid: order['srid'],
      orderId: 0,
      nmId: order['nmId'],
      barcode: order['barcode'],
      orderDt: moscow(now).slice(0, 10),
      status: 'В пути',
      isStatusActive: 1,
      reason: '',
      returnType: 'Возврат',
      completedDt: null,
    });
  const day = moscow(now).slice(0, 10);
  const selected = {
    openCount: 5,
    cartCount: 2,
    orderCount: 1,
    orderSum: 100,
    buyoutCount: 1,
    buyoutSum: 90,
    cancelCount: 0,
  };
  const known = shop.rows.funnel.find((row) => row['day'] === day && sameProduct(row, order['nmId']));
  const statistic = { selected: { ...selected, openCount: shop.random.int(0, 50) } };
  if (known === undefined)
    shop.rows.funnel.push({
      day,
      product: { nmId: order['nmId'], vendorCode: order['supplierArticle'] },
      statistic,
    });
  else Object.assign(known, { statistic });
}

const sameProduct = (row: Row, nmId: unknown): boolean => plain((row['product'] as Row)['nmId']) === plain(nmId);
