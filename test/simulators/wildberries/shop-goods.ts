// Cards, prices and stocks of a made-up shop.

import { plain } from './resource.ts';
import type { Shelves } from './shelves.ts';
import type { Row } from './state.ts';

export function addCard(shop: Shelves): void {
  const [nmID, chrtID] = [shop.id(), shop.id()];
  const stamp = shop.now().toISOString();
  const vendorCode = `art-${plain(nmID).slice(-5)}`;
  shop.rows.cards.push({
    nmID,
    imtID: shop.id(),
    nmUUID: `uuid-${plain(nmID)}`,
    subjectID: 12,
    subjectName: 'Mugs',
    vendorCode,
    brand: 'North',
    title: `Mug "${vendorCode}"`,
    description: 'Холодная, 300 мл',
    photos: shop.random.chance(0.5) ? [{ big: `https://img.test/${plain(nmID)}.webp` }] : [],
    characteristics: [
      { id: 1, name: 'Volume', value: 300 },
      { id: 2, name: 'Colours', value: ['blue', 'white'] },
      { id: 3, name: 'Country', value: 'Россия' },
    ],
    sizes: [{ chrtID, techSize: '0', wbSize: '', skus: [`46${plain(nmID).slice(-11)}`] }],
    createdAt: stamp,
    updatedAt: stamp,
  });
  const size = { sizeID: chrtID, price: shop.random.int(100, 5_000), discountedPrice: 99.5, techSizeName: '0' };
  shop.rows.goods.push({ nmID, vendorCode, sizes: [size], currencyIsoCode4217: 'RUB', discount: 10 });
  const stock = { inWayToClient: 1, inWayFromClient: 0, regionName: 'Центр' };
  for (const warehouseName of ['Тула', 'Казань'])
    shop.rows.wbStocks.push({
      nmId: nmID,
      chrtId: chrtID,
      warehouseId: -999_999,
      warehouseName,
      quantity: 7,
      ...stock,
    });
  shop.rows.sellerStocks.push({ warehouseId: 71, chrtId: chrtID, amount: shop.random.int(0, 40) });
}

export function touchCard(shop: Shelves): void {
  const card = shop.pick(shop.rows.cards);
  if (card !== undefined)
    Object.assign(card, { title: `Mug ${shop.random.int(1, 99)}`, updatedAt: shop.now().toISOString() });
}

export function trashCard(shop: Shelves): void {
  const card = shop.pick(shop.rows.cards);
  if (card === undefined || shop.rows.cards.length < 3) return;
  shop.rows.cards.splice(shop.rows.cards.indexOf(card), 1);
  shop.rows.trash.push({ ...card, trashedAt: shop.now().toISOString() });
  const { wbStocks, goods } = shop.rows;
  wbStocks.splice(0, wbStocks.length, ...wbStocks.filter((row) => plain(row['nmId']) !== plain(card['nmID'])));
  goods.splice(0, goods.length, ...goods.filter((row) => plain(row['nmID']) !== plain(card['nmID'])));
}

export function restoreCard(shop: Shelves): void {
  const card = shop.pick(shop.rows.trash);
  if (card === undefined) return;
  shop.rows.trash.splice(shop.rows.trash.indexOf(card), 1);
  const { trashedAt: _trashed, ...live } = card;
  shop.rows.cards.push({ ...live, updatedAt: shop.now().toISOString() });
}

export function restock(shop: Shelves): void {
  const { wbStocks } = shop.rows;
  const stock = shop.pick(wbStocks);
  if (stock === undefined) return;
  // An empty place is not listed.
  if (shop.random.chance(0.2)) wbStocks.splice(wbStocks.indexOf(stock), 1);
  else stock['quantity'] = shop.random.int(0, 500);
  const own = shop.pick(shop.rows.sellerStocks);
  if (own !== undefined) own['amount'] = shop.random.int(0, 500);
}

export function reprice(shop: Shelves): void {
  const [size] = (shop.pick(shop.rows.goods)?.['sizes'] ?? []) as Row[];
  if (size !== undefined) size['price'] = shop.random.int(100, 5_000);
}
