// Orders, sales and accounts of a simulated Wildberries: each trap of the platform by its name, and what a second pass costs.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { wildberries } from '../../src/connectors/wildberries/index.ts';
import type {
  AssemblyOrderRecord,
  FinanceEntryRecord,
  SaleRecord,
  StatisticsOrderRecord,
} from '../../src/core/records.ts';
import { createRandom } from '../simulators/random.ts';
import { digits } from '../simulators/wildberries/resource.ts';
import { moscow } from '../simulators/wildberries/shelves.ts';
import { openShop } from '../simulators/wildberries/shop.ts';
import { createWildberriesSimulator, type WildberriesSimulator } from '../simulators/wildberries/simulator.ts';
import type { Row, Seller } from '../simulators/wildberries/state.ts';
import { createShopRig, type ShopRig } from '../support/shop-rig.ts';

const DAY_MS = 86_400_000;
let nowMs = 0;
const now = (): Date => new Date(nowMs);
let sim: WildberriesSimulator;
let seller: Seller;
let rig: ShopRig;

beforeEach(async () => {
  nowMs = Date.parse('2026-10-01T12:00:00Z');
  sim = createWildberriesSimulator({ now });
  await sim.start();
  const added = sim.addSeller();
  seller = added.seller;
  rig = createShopRig({ connector: wildberries, sim, credentials: added.credentials, now });
});

afterEach(() => sim.stop());

const changed = (at: Date): string => moscow(at);

function statistic(srid: string, over: Row = {}): Row {
  return {
    srid,
    date: changed(now()),
    lastChangeDate: changed(now()),
    warehouseType: 'Склад WB',
    nmId: 7,
    isCancel: false,
    cancelDate: '0001-01-01T00:00:00',
    finishedPrice: 99.5,
    priceWithDisc: 110,
    totalPrice: 120,
    ...over,
  };
}

describe('statistics', () => {
  test('lastChangeDate is inclusive: rows of one instant over a page boundary come once and all of them', async () => {
    sim.traps.statisticsCap = 80_000;
    const earlier = changed(new Date(nowMs - DAY_MS));
    const tied = changed(new Date(nowMs - 1_000));
    for (let n = 0; n < 79_990; n += 1)
      seller.rows.orders.push({ srid: `a${n}`, date: earlier, lastChangeDate: earlier, isCancel: false });
    for (let n = 0; n < 40; n += 1)
      seller.rows.orders.push({ srid: `t${n}`, date: tied, lastChangeDate: tied, isCancel: false });
    const pass = await rig.read('orders');
    expect(pass.records.size).toBe(80_030);
    expect(sim.journal.total).toBe(2);
    expect(pass.pages.every(({ records }) => records.length <= 1_000)).toBe(true);
    expect(pass.cursor).toEqual({ kind: 'changes', changedFrom: tied, isDone: true });
  });

  test('more rows changed at one instant than an answer holds: it goes on a second later and says what may be missing', async () => {
    const tied = changed(new Date(nowMs - 60_000));
    for (let n = 0; n < 80_100; n += 1)
      seller.rows.orders.push({ srid: `t${n}`, date: tied, lastChangeDate: tied, isCancel: false });
    seller.rows.orders.push(statistic('last'));
    const pass = await rig.read('orders');
    expect(pass.records.has('last')).toBe(true);
    expect(pass.records.size).toBe(80_001);
    expect(pass.problems).toEqual([expect.objectContaining({ details: { instant: tied, count: 80_000 } })]);
  });

  test('a sentinel date is no date', () => {
    const order = rig.parse('orders', statistic('a', { isCancel: true })) as StatisticsOrderRecord;
    expect(order).toMatchObject({ isCancelled: true, cancelledAt: null });
  });

  test('Moscow time without an offset is three hours ahead of UTC', () => {
    const order = rig.parse('orders', statistic('a', { date: '2026-09-30T10:19:17' })) as StatisticsOrderRecord;
    expect(order.orderedAt).toEqual(new Date('2026-09-30T07:19:17Z'));
  });

  test('zeros are filled in later, also without a change of the row', async () => {
    const row = statistic('a', { priceWithDisc: 0, finishedPrice: 0 });
    seller.rows.orders.push(row);
    expect(rig.parse('orders', row) as StatisticsOrderRecord).toMatchObject({ amount: null, paidAmount: null });
    await rig.mirror.pass('orders', rig.context);
    nowMs += DAY_MS;
    Object.assign(row, { priceWithDisc: 110.1, finishedPrice: 99.5 });
    expect(await rig.mirror.pass('orders', rig.context)).toMatchObject({ changed: 1 });
    expect(rig.mirror.rows('orders').get('a')!.record).toMatchObject({ amount: '110.1', paidAmount: '99.5' });
  });

  test('a sale and a return share one srid, and returns are negative however they come', async () => {
    const sale = { ...statistic('one'), saleID: 'S1', forPay: 90 };
    seller.rows.sales.push(sale, { ...sale, saleID: 'R1', priceWithDisc: -110, finishedPrice: 99.5, forPay: -90 });
    const { records } = await rig.read('sales');
    expect([...records.keys()].toSorted()).toEqual(['R1', 'S1']);
    expect(rig.parse('sales', records.get('S1')) as SaleRecord).toMatchObject({
      kind: 'sale',
      amount: '110',
      payout: '90',
    });
    expect(rig.parse('sales', records.get('R1')) as SaleRecord).toMatchObject({
      kind: 'return',
      orderKey: 'one',
      amount: '-110',
      paidAmount: '-99.5',
      payout: '-90',
    });
  });

  test('a pass that broke off goes on where it was, and an increment asks once', async () => {
    for (let n = 0; n < 3_500; n += 1)
      seller.rows.orders.push(statistic(`s${n}`, { lastChangeDate: changed(new Date(nowMs - (4_000 - n) * 60_000)) }));
    await rig.mirror.pass('orders', rig.context, { maxPages: 2 });
    expect(rig.mirror.stored('orders').size).toBe(2_000);
    const rest = await rig.mirror.pass('orders', rig.context);
    expect(rest.records).toBe(1_501);
    expect(rig.mirror.stored('orders').size).toBe(3_500);
    nowMs += 60_000;
    seller.rows.orders.push(statistic('new'));
    expect(await rig.cost('orders')).toBe(1);
  });

  test('a day of the past is read whole, whatever its rows’ last change', async () => {
    const date = '2026-08-15T01:00:00';
    for (const srid of ['a', 'b'])
      seller.rows.orders.push(statistic(srid, { date, lastChangeDate: '2026-08-20T00:00:00' }));
    seller.rows.orders.push(statistic('other', { date: '2026-08-16T00:00:00' }));
    const since = new Date('2026-08-14T21:00:00Z');
    const until = new Date('2026-08-15T21:00:00Z');
    const { records, cursor } = await rig.read('orders', { type: 'backfill', since, until });
    expect([...records.keys()]).toEqual(['a', 'b']);
    expect(cursor).toEqual({ kind: 'days', day: '2026-08-15' });
  });

  test('a body that is cut off stores what came whole, and goes on from there', async () => {
    for (let n = 0; n < 2_500; n += 1)
      seller.rows.orders.push(statistic(`s${n}`, { lastChangeDate: changed(new Date(nowMs - (2_500 - n) * 60_000)) }));
    sim.faults.add({ match: {}, fault: { kind: 'truncated-json' } });
    await expect(rig.mirror.pass('orders', rig.context)).rejects.toMatchObject({ code: 'http.body_invalid' });
    await rig.mirror.pass('orders', rig.context);
    expect(rig.mirror.stored('orders').size).toBe(2_500);
  });
});

describe('the order feed', () => {
  test('pages of one snapshot: what changes meanwhile moves nothing, and comes with the next pass', async () => {
    const shop = openShop({ seller, random: createRandom(1), now });
    shop.grow({ cards: 2, orders: 1 });
    const [template] = seller.rows.feed;
    for (let n = 0; n < 10_500; n += 1)
      seller.rows.feed.push({ ...template, srid: `f${n}`, updatedAt: new Date(nowMs - n * 1_000).toISOString() });
    let pages = 0;
    for await (const page of wildberries.streams
      .find(({ name }) => name === 'order_feed')!
      .read({ type: 'full', cursor: null, since: new Date(nowMs - DAY_MS), until: now() }, rig.context)) {
      pages += page.records.length > 0 ? 1 : 0;
      // Somebody buys: the row leaves its place for the top of the list.
      if (pages === 1) seller.rows.feed.at(-1)!['updatedAt'] = new Date(nowMs + 5_000).toISOString();
    }
    const snapshots = sim.journal.total;
    expect(snapshots).toBe(2);
    expect(pages).toBe(11);
  });
});

describe('orders that the seller assembles', () => {
  const order = (id: number, over: Row = {}): Row => ({
    id,
    rid: `r${id}`,
    createdAt: new Date(nowMs - 3_600_000).toISOString(),
    price: 129_950,
    currencyCode: 643,
    supplierStatus: 'new',
    wbStatus: 'waiting',
    ...over,
  });

  test('amounts are hundredths of a currency by number, and ids past 2^53 stay exact', async () => {
    seller.rows.fbs.push(order(1, { id: digits('9007199254740993'), address: { fullAddress: 'secret street' } }));
    const { records } = await rig.read('fbs_orders');
    expect(rig.parse('fbs_orders', records.get('r1')) as AssemblyOrderRecord).toMatchObject({
      assemblyId: '9007199254740993',
      amount: '1299.5',
      currency: 'RUB',
      status: 'new',
    });
    expect(JSON.stringify([...records])).not.toContain('secret street');
  });

  test('a currency that we cannot name has no amount', () => {
    const parsed = rig.parse('fbs_orders', order(1, { currencyCode: 999 })) as AssemblyOrderRecord;
    expect(parsed).toMatchObject({ amount: null, currency: null, details: { currencyCode: 999, price: '1299.5' } });
  });

  test('every open order is asked for its status until it is final, however old it is', async () => {
    for (let n = 0; n < 40; n += 1)
      seller.rows.fbs.push(
        order(n + 1, { createdAt: new Date(nowMs - 40 * DAY_MS + n).toISOString(), wbStatus: 'sold' }),
      );
    const open = order(99, { createdAt: new Date(nowMs - 35 * DAY_MS).toISOString() });
    seller.rows.fbs.push(open);
    await rig.mirror.pass('fbs_orders', rig.context);
    nowMs += DAY_MS;
    Object.assign(open, { supplierStatus: 'complete', wbStatus: 'sold' });
    await rig.mirror.pass('fbs_orders', rig.context);
    expect(rig.mirror.rows('fbs_orders').get('r99')!.record).toMatchObject({ status: 'delivered' });
    nowMs += DAY_MS;
    // Nothing is open any more: one empty list.
    expect(await rig.cost('fbs_orders')).toBe(1);
  });

  test('a place that repeats is an error, not a loop', async () => {
    sim.traps.fbsNextRepeats = true;
    for (let n = 0; n < 1_000; n += 1) seller.rows.fbs.push(order(n + 1));
    expect(await rig.failure('fbs_orders')).toMatchObject({ code: 'platform.answer_invalid' });
  });

  test('an order without a status in the answer is stored, and stays open', async () => {
    sim.traps.fbsStatuses = 'none';
    seller.rows.fbs.push(order(1));
    await rig.mirror.pass('fbs_orders', rig.context);
    expect(rig.mirror.rows('fbs_orders').get('r1')!.record).toMatchObject({ status: null, supplierStatus: null });
    sim.traps.fbsStatuses = 'all';
    await rig.mirror.pass('fbs_orders', rig.context);
    expect(rig.mirror.rows('fbs_orders').get('r1')!.record).toMatchObject({ status: 'new' });
  });
});

describe('finance', () => {
  const line = (rrdId: number, over: Row = {}): Row => ({
    reportId: digits('9007199254740995'),
    rrdId,
    currency: 'RUB',
    rrDate: '2026-09-28',
    docTypeName: 'Продажа',
    sellerOperName: 'Продажа',
    forPay: '98.37',
    ...over,
  });
  const report = (reportId: unknown, createDate = '2026-09-29'): Row => ({
    reportId,
    dateFrom: '2026-09-22',
    dateTo: '2026-09-28',
    createDate,
    currency: 'RUB',
    reportType: 1,
  });

  test('204 with an empty body is the end, of lines and of reports', async () => {
    expect(await rig.cost('finance')).toBe(1);
    seller.rows.reports.push(report(1));
    expect(await rig.cost('finance')).toBe(2);
    expect(await rig.cost('finance')).toBe(1);
  });

  test('lines are read once, and only of reports that are new', async () => {
    seller.rows.reports.push(report(digits('9007199254740995')));
    seller.rows.lines.push(line(1), line(2, { docTypeName: 'Возврат' }));
    await rig.mirror.pass('finance', rig.context);
    expect([...rig.mirror.stored('finance').keys()]).toEqual(['report 1', 'report 2']);
    seller.rows.reports.push(report(5, '2026-09-30'));
    seller.rows.lines.push(line(3, { reportId: 5 }));
    expect(await rig.cost('finance')).toBe(2);
    expect(rig.mirror.rows('finance').get('report 1')!.record).toMatchObject({ reportId: '9007199254740995' });
  });

  test('the sign comes from the kind of document and of amount, never from the figure', () => {
    const amounts = [
      line(1),
      line(2, { docTypeName: 'Возврат' }),
      line(3, { docTypeName: '', forPay: '0', deliveryService: '55.1', sellerOperName: 'Логистика' }),
      line(4, { docTypeName: '', forPay: '0', penalty: '1000' }),
      line(5, { forPay: '0', additionalPayment: '12.5' }),
      line(6, { deliveryService: '8.37' }),
    ].map((raw) => rig.parse('finance', { ...raw, reportId: 1 }) as FinanceEntryRecord);
    expect(amounts.map(({ kind, amount }) => [kind, amount])).toEqual([
      ['sale', '98.37'],
      ['return', '-98.37'],
      ['service', '-55.1'],
      ['penalty', '-1000'],
      ['compensation', '12.5'],
      ['sale', '90'],
    ]);
  });
});
