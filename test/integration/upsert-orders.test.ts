// One order that several streams tell of: each writes its own columns, and what they say together does not depend on who came
// last, nor how often.

import fc from 'fast-check';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import type {
  AssemblyOrderRecord,
  FeedOrderRecord,
  OrderRecord,
  StatisticsOrderRecord,
} from '../../src/core/records.ts';
import {
  assemblyOrdersTable,
  feedOrdersTable,
  ordersTable,
  statisticsOrdersTable,
} from '../../src/store/record-tables/orders.ts';
import type { UpsertResult } from '../../src/store/upsert.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createSyncWorld, type SyncWorld } from '../support/sync-world.ts';
import { openDoor, type UpsertDoor } from '../support/upsert-door.ts';

let database: TestDatabase;
let world: SyncWorld;
let door: UpsertDoor;

beforeAll(async () => {
  database = await createTestDatabase();
});

beforeEach(async () => {
  world = await createSyncWorld(database);
  door = await openDoor(world);
});

const at = (hour: number): Date => new Date(Date.UTC(2026, 8, 10, hour));

const statistics = (over: Partial<StatisticsOrderRecord> = {}): StatisticsOrderRecord => ({
  orderKey: 'srid-1',
  orderGroup: 'g-1',
  orderedAt: at(7),
  isCancelled: false,
  cancelledAt: null,
  productKey: '9007199254740993',
  offerCode: 'mug-blue',
  barcode: '4600000000017',
  category: 'Mugs',
  brand: 'North',
  size: '0',
  scheme: 'fbs',
  warehouseName: 'Tula',
  region: 'Moscow region',
  amount: '1299.5',
  paidAmount: null,
  currency: 'RUB',
  details: { spp: '12' },
  sourceUpdatedAt: at(8),
  ...over,
});

const feed = (over: Partial<FeedOrderRecord> = {}): FeedOrderRecord => ({
  orderKey: 'srid-1',
  status: 'new',
  platformStatus: 'created',
  cancelReason: null,
  orderedAt: at(7),
  productKey: '9007199254740993',
  variantKey: '77',
  scheme: 'fbs',
  warehouseName: 'Tula',
  region: 'Moscow region',
  amount: '1299.50',
  currency: 'RUB',
  sourceUpdatedAt: at(7),
  ...over,
});

const assembly = (over: Partial<AssemblyOrderRecord> = {}): AssemblyOrderRecord => ({
  orderKey: 'srid-1',
  assemblyId: '5000000001',
  orderGroup: 'g-1',
  status: 'processing',
  supplierStatus: 'confirm',
  platformStatus: 'waiting',
  orderedAt: at(7),
  productKey: '9007199254740993',
  variantKey: '77',
  offerCode: 'mug-blue',
  warehouseKey: '12',
  supplyKey: 'WB-GI-1',
  amount: '1299.5',
  currency: 'RUB',
  details: {},
  sourceUpdatedAt: null,
  ...over,
});

async function rows(view = 'orders'): Promise<Record<string, unknown>[]> {
  return await database.asSuperuser(`select * from ${view} where integration_id = $1 order by order_key`, [
    world.integrationId,
  ]);
}

/** The row without ids and the instants at which it was written. */
async function content(): Promise<Record<string, unknown>> {
  const [{ id: _id, created_at: _created, updated_at: _updated, ...told } = {}, ...more] = await rows();
  expect(more).toEqual([]);
  return told;
}

test('the first stream makes the row, the others add to it', async () => {
  expect(await door.upsert(feedOrdersTable, feed())).toMatchObject({ inserted: 1, dirtyDays: ['2026-09-10'] });
  expect(await door.upsert(assemblyOrdersTable, assembly())).toMatchObject({ inserted: 0, changed: 1 });
  expect(await door.upsert(statisticsOrdersTable, statistics())).toMatchObject({ inserted: 0, changed: 1 });
  expect(await content()).toMatchObject({
    status: 'processing',
    platform_status: 'created',
    scheme: 'fbs',
    ordered_at: at(7),
    product_key: '9007199254740993',
    amount: '1299.500000',
    currency: 'RUB',
    paid_amount: null,
    quantity: 1,
    warehouse_key: '12',
    cancelled_at: null,
  });
});

test('what came again is not written again, whichever stream it is', async () => {
  const all = async (): Promise<UpsertResult[]> => [
    await door.upsert(statisticsOrdersTable, statistics()),
    await door.upsert(feedOrdersTable, feed()),
    await door.upsert(assemblyOrdersTable, assembly()),
  ];
  await all();
  const [before] = await rows();
  for (const { unchanged } of await all()) expect(unchanged).toBe(1);
  expect(await rows()).toEqual([before]);
});

test('an older page of one stream is stale, whatever the others’ stamps are', async () => {
  await door.upsert(feedOrdersTable, feed({ status: 'delivered', platformStatus: 'buyout', sourceUpdatedAt: at(20) }));
  await door.upsert(statisticsOrdersTable, statistics({ sourceUpdatedAt: at(9) }));
  expect(await door.upsert(feedOrdersTable, feed({ sourceUpdatedAt: at(19) }))).toMatchObject({ stale: 1 });
  expect(await content()).toMatchObject({ status: 'delivered', statistics_updated_at: at(9) });
});

test('a cancellation marks the days of the order and of its end', async () => {
  await door.upsert(feedOrdersTable, feed());
  const end = new Date('2026-09-14T22:30:00Z');
  const cancelled = feed({ status: 'cancelled', platformStatus: 'cancel', cancelReason: 'app', sourceUpdatedAt: end });
  // Kyiv is three hours ahead of UTC: half past one on the next day.
  expect((await door.upsert(feedOrdersTable, cancelled)).dirtyDays.toSorted()).toEqual(['2026-09-10', '2026-09-15']);
  expect(await content()).toMatchObject({ status: 'cancelled', cancelled_at: end, cancel_reason: 'app' });
});

test('the last word of each stream decides, in whatever order the words came', async () => {
  const history = {
    statistics: [
      statistics({ amount: null, sourceUpdatedAt: at(8) }),
      statistics({ sourceUpdatedAt: at(10) }),
      statistics({ isCancelled: true, cancelledAt: at(12), sourceUpdatedAt: at(13) }),
    ],
    feed: [
      feed(),
      feed({ status: 'delivered', platformStatus: 'buyout', sourceUpdatedAt: at(15) }),
      feed({ status: 'returned', platformStatus: 'return', sourceUpdatedAt: at(18) }),
    ],
  };
  const words = [
    ...history.statistics.map((record) => () => door.upsert(statisticsOrdersTable, record)),
    ...history.feed.map((record) => () => door.upsert(feedOrdersTable, record)),
    () => door.upsert(assemblyOrdersTable, assembly()),
  ];
  let told: Record<string, unknown> | undefined;
  const orders = fc.shuffledSubarray([...words, ...words], { minLength: words.length * 2 });
  await fc.assert(
    fc.asyncProperty(orders, async (program) => {
      world = await createSyncWorld(database);
      door = await openDoor(world);
      for (const word of program) await word();
      const { user_id: _user, integration_id: _integration, ...now } = await content();
      told ??= now;
      expect(now).toEqual(told);
    }),
    { numRuns: 15 },
  );
  expect(told).toMatchObject({ status: 'returned', amount: '1299.500000' });
});

const posting: OrderRecord = {
  orderKey: '0001-0001-1',
  orderGroup: '0001-0001',
  parentKey: null,
  scheme: 'fbs',
  status: 'delivering',
  platformStatus: 'delivering',
  platformSubstatus: null,
  orderedAt: at(5),
  shipBy: null,
  deliveredAt: null,
  cancelledAt: null,
  cancelReason: null,
  amount: '500',
  currency: 'RUB',
  paidAmount: '260.5',
  paidCurrency: 'RUB',
  quantity: 3,
  items: [
    {
      productKey: '11',
      sku: '9007199254740993',
      offerCode: 'mug',
      name: 'Mug "North"',
      quantity: 2,
      price: '200',
      priceCurrency: 'RUB',
      paidPrice: '100.25',
      paidCurrency: 'RUB',
      details: {},
    },
    {
      productKey: '11',
      sku: '9007199254740993',
      offerCode: 'mug',
      name: null,
      quantity: 1,
      price: '100',
      priceCurrency: 'RUB',
      paidPrice: '60',
      paidCurrency: 'RUB',
      details: {},
    },
  ],
  warehouseKey: '7',
  warehouseName: null,
  region: null,
  details: { isExpress: false },
  sourceUpdatedAt: at(6),
};

test('lines of an order are rows, also where an order is one piece or has no lines', async () => {
  await door.upsert(ordersTable, posting);
  await door.upsert(ordersTable, { ...posting, orderKey: '0001-0002-1', items: [] });
  await door.upsert(feedOrdersTable, feed());
  const lines = (await rows('order_items')).map(({ order_key, line, sku, quantity, price, paid_price }) => [
    order_key,
    line,
    sku,
    quantity,
    Number(price),
    paid_price === null ? null : Number(paid_price),
  ]);
  expect(lines).toEqual([
    ['0001-0001-1', '1', '9007199254740993', 2, 200, 100.25],
    ['0001-0001-1', '2', '9007199254740993', 1, 100, 60],
    ['srid-1', null, '77', 1, 1299.5, null],
  ]);
});
