// Cards, stocks and prices of a simulated Ozon: each trap of the platform by its name, snapshots, and what a pass costs.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PriceRecord, ProductRecord, StockRecord } from '../../src/core/records.ts';
import { catalogue } from '../simulators/ozon/catalogue.ts';
import type { Good, Goods } from '../simulators/ozon/goods.ts';
import type { Pass } from '../support/connector-rig.ts';
import { startOzon, type OzonWorld } from '../support/ozon.ts';

const LIST = '/v3/product/list';
const INFO = '/v3/product/info/list';
const ATTRIBUTES = '/v4/product/info/attributes';
const TOTALS = '/v4/product/info/stocks';
const SELLER = '/v2/product/info/stocks-by-warehouse/fbs';
const PLATFORM = '/v1/analytics/stocks';
const PRICES = '/v5/product/info/prices';

let world: OzonWorld;
let goods: Goods;

beforeEach(async () => {
  world = await startOzon();
  goods = world.sim.state(catalogue, world.clientId);
});

afterEach(async () => {
  await world.stop();
});

const readParsed = async <Kind>(stream: string): Promise<readonly Kind[]> =>
  world.parsed(stream, await world.read(stream)) as readonly Kind[];
const isClosed = (pages: Pass['pages']): boolean => {
  const mode = pages.at(-1)?.mode;
  return mode?.kind === 'scope' && mode.close;
};

describe('products', () => {
  test('a card holds ids digit by digit, brand and text of its attributes, and its skus', async () => {
    const { productId, sku } = goods.add({ name: 'Tea', brand: 'Samovar' });
    const [product] = await readParsed<ProductRecord>('products');
    expect(product).toMatchObject({
      productKey: productId,
      offerCode: 'offer-0',
      title: 'Tea',
      brand: 'Samovar',
      description: 'About Tea',
      categoryId: '17028922',
      status: 'active',
      platformStatus: 'price_sent',
      variants: [{ sku, source: 'sds' }],
    });
    expect(BigInt(productId)).toBeGreaterThan(2n ** 53n);
  });

  test('ALL without archived: the archive is read beside it, with its attributes', async () => {
    goods.add();
    const { productId } = goods.add({ isArchived: true, brand: 'Old' });
    const products = await readParsed<ProductRecord>('products');
    expect(products.find(({ productKey }) => productKey === productId)).toMatchObject({
      status: 'archived',
      brand: 'Old',
    });
    world.sim.traps.allLeavesOutArchived = false;
    expect((await world.read('products')).records.size).toBe(2);
  });

  test('a card that comes out of the archive while it is read is not taken for gone', async () => {
    const { productId } = goods.add({ isArchived: true });
    const isFirst = { value: true };
    world.sim.faults.add({
      match: { path: LIST },
      after: 1,
      fault: {
        kind: 'garbage-page',
        garble: (body) => {
          // `ALL` was answered while it was still archived.
          goods.change(productId, { isArchived: false });
          isFirst.value = false;
          return body;
        },
      },
    });
    goods.change(productId, { isArchived: true });
    const { records } = await world.read('products');
    expect([records.has(productId), isFirst.value]).toEqual([true, false]);
  });

  test('null objects: a card without statuses, sources and model is a card', async () => {
    world.sim.traps.nullObjects = true;
    goods.add();
    const [product] = await readParsed<ProductRecord>('products');
    expect(product).toMatchObject({ status: 'active', platformStatus: null, variants: [{ source: null }] });
  });

  test('a thousand cards take a request of each kind, and the archive two; every pass finds every change', async () => {
    for (let n = 0; n < 900; n += 1) goods.add();
    expect(await world.costOf(() => world.read('products'))).toEqual({ [LIST]: 3, [INFO]: 1, [ATTRIBUTES]: 1 });
    const changed = [...goods.all.keys()][17]!;
    goods.change(changed, { name: 'Another' });
    const products = await readParsed<ProductRecord>('products');
    expect(products.find(({ productKey }) => productKey === changed)?.title).toBe('Another');
  });

  test('a catalogue of more than one page is read whole and closed', async () => {
    for (let n = 0; n < 1_200; n += 1) goods.add({ isArchived: n >= 1_150 });
    const { records, pages, problems } = await world.read('products');
    expect([records.size, isClosed(pages), problems]).toEqual([1_200, true, []]);
    expect(Math.max(...pages.map(({ records: each }) => each.length))).toBeLessThanOrEqual(1_000);
  });

  test('a list that ends before its total does not close the snapshot: nothing is removed', async () => {
    for (let n = 0; n < 1_200; n += 1) goods.add();
    world.sim.traps.cursorEmpty = true;
    const { pages, problems, records } = await world.read('products');
    expect([records.size, isClosed(pages)]).toEqual([1_000, false]);
    expect(problems).toMatchObject([{ code: 'platform.answer_invalid' }]);
  });

  test('repeated last_id ends and does not close', async () => {
    for (let n = 0; n < 1_200; n += 1) goods.add();
    world.sim.traps.cursorRepeats = true;
    expect(isClosed((await world.read('products')).pages)).toBe(false);
  });
});

describe('stocks', () => {
  const stocked = (): Good => {
    const good = goods.add();
    good.fbo.set('18044249780000', 7);
    good.fbs.set('22655170176000', { present: 5, reserved: 2 });
    good.fbs.set('22655170176001', { present: 1, reserved: 0 });
    return good;
  };

  test('by warehouse, the seller’s own and the platform’s, so that their sum is what there is', async () => {
    const { productId, sku } = stocked();
    const stocks = await readParsed<StockRecord>('stocks');
    expect(
      stocks.map(({ stockKey, fulfilment, quantity, reserved }) => [stockKey, fulfilment, quantity, reserved]),
    ).toEqual([
      [`${sku}:fbs:22655170176000`, 'seller', 5, 2],
      [`${sku}:fbs:22655170176001`, 'seller', 1, 0],
      [`${sku}:fbo:18044249780000`, 'platform', 7, null],
    ]);
    expect(new Set(stocks.map(({ productKey }) => productKey))).toEqual(new Set([productId]));
    expect(stocks[2]).toMatchObject({ inWayFromClient: 1, warehouseName: 'WAREHOUSE_18044249780000' });
  });

  test('what there is none of is said by one row a scheme and costs nothing beyond the list', async () => {
    const { sku } = goods.add();
    const cost = await world.costOf(async () => {
      const stocks = await readParsed<StockRecord>('stocks');
      expect(stocks.map(({ stockKey, quantity }) => [stockKey, quantity])).toEqual([
        [`${sku}:fbo`, 0],
        [`${sku}:fbs`, 0],
      ]);
    });
    expect(cost).toEqual({ [TOTALS]: 1 });
  });

  test('403 by role for the platform’s warehouses: the whole amount stands without one, and the run says so', async () => {
    const { sku } = stocked();
    world.sim.traps.outsideRoles = new Set([PLATFORM]);
    const pass = await world.read('stocks');
    const stocks = world.parsed('stocks', pass) as readonly StockRecord[];
    expect(stocks.find(({ fulfilment }) => fulfilment === 'platform')).toMatchObject({
      stockKey: `${sku}:fbo`,
      quantity: 7,
      warehouseKey: null,
    });
    expect(pass.problems).toMatchObject([{ code: 'platform.scope_missing' }]);
    expect(isClosed(pass.pages)).toBe(true);
  });

  test('a pass costs a request per thousand products, per 500 skus of one’s own and per 100 of the platform’s', async () => {
    for (let n = 0; n < 250; n += 1) stocked();
    for (let n = 0; n < 500; n += 1) goods.add();
    expect(await world.costOf(() => world.read('stocks'))).toEqual({ [TOTALS]: 1, [SELLER]: 1, [PLATFORM]: 3 });
  });

  test('a snapshot has one generation and is closed at its end', async () => {
    stocked();
    const { pages } = await world.read('stocks');
    expect(new Set(pages.map(({ mode }) => JSON.stringify({ ...mode, close: null }))).size).toBe(1);
    expect(pages.map(({ mode }) => 'close' in mode && mode.close)).toEqual([false, true]);
  });

  test('a transient failure in the middle breaks the pass off, unclosed', async () => {
    stocked();
    world.sim.faults.add({ match: { path: SELLER }, times: 3, fault: { kind: 'status', status: 503 } });
    await expect(world.read('stocks')).rejects.toMatchObject({ code: 'platform.unavailable' });
  });
});

describe('prices', () => {
  test('before and after the seller’s discount, to the digit; zero is no price', async () => {
    const { productId } = goods.add({ price: '990.5', oldPrice: '0', currency: 'KZT' });
    goods.add({ price: '99999999999.99', oldPrice: '100000000000.00' });
    const [one, other] = await readParsed<PriceRecord>('prices');
    expect(one).toMatchObject({ priceKey: productId, price: '990.5', discountedPrice: '990.5', minPrice: null });
    expect(one).toMatchObject({ currency: 'KZT', details: { commissions: { sales_percent_fbs: '18.5' } } });
    expect(other).toMatchObject({ price: '100000000000', discountedPrice: '99999999999.99' });
  });

  test('a thousand prices take one request, a list without an end its bound', async () => {
    for (let n = 0; n < 1_000; n += 1) goods.add();
    expect(await world.costOf(() => world.read('prices'))).toEqual({ [PRICES]: 1 });
    world.sim.traps.hasNextOnEmpty = true;
    const { records, pages } = await world.read('prices');
    expect([records.size, isClosed(pages)]).toEqual([1_000, true]);
  });
});
