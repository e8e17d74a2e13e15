// Postings of a simulated Ozon: each trap of the platform by its name, what is kept of a posting, and what a second pass costs.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseFboPosting, parseFbsPosting } from '../../src/connectors/ozon/schemas/postings.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { postings } from '../simulators/ozon/postings.ts';
import { skuOf, type Postings } from '../simulators/ozon/posting-model.ts';
import { OZON_NOW, startOzon, type OzonWorld } from '../support/ozon.ts';

const FBS = '/v4/posting/fbs/list';
const FBO = '/v3/posting/fbo/list';

let world: OzonWorld;
let state: Postings;

beforeEach(async () => {
  world = await startOzon();
  state = world.sim.state(postings, world.clientId);
});

afterEach(async () => {
  await world.stop();
});

const daysAgo = (days: number): Date => new Date(OZON_NOW.getTime() - days * DAY_MS);
const later = (ms: number): void => void (world.now = new Date(world.now.getTime() + ms));
const statusIn = (records: ReadonlyMap<string, unknown>, number: string): unknown =>
  (records.get(number) as { status?: unknown } | undefined)?.status;

function fill(scheme: 'fbs' | 'fbo', count: number, status = 'delivering'): void {
  for (let n = 0; n < count; n += 1) state.add({ scheme, status, orderedAt: daysAgo(10 - (n % 9)) });
}

describe('what is kept of a posting', () => {
  test('v4 money: the seller’s price and what the buyer paid stand apart, by line and in all', async () => {
    const { number } = state.add({ lines: [{ quantity: 2 }, { quantity: 1, price: '0.1', customerPrice: '0.05' }] });
    const { records } = await world.read('fbs_postings');
    const order = parseFbsPosting(records.get(number));
    expect(order).toMatchObject({ amount: '2400.1', currency: 'RUB', paidAmount: '1201.05', paidCurrency: 'RUB' });
    expect(order).toMatchObject({ quantity: 3, scheme: 'fbs', status: 'new', region: 'TATARSTAN' });
    expect(order.items[0]).toMatchObject({ price: '1200', paidPrice: '600.5', quantity: 2 });
  });

  test('v3-vs-v4 money shapes: plain numbers beside a currency mean the same', async () => {
    const { number } = state.add({ lines: [{ quantity: 2 }] });
    const now = parseFbsPosting((await world.read('fbs_postings')).records.get(number));
    world.sim.traps.oldMoney = true;
    const then = parseFbsPosting((await world.read('fbs_postings')).records.get(number));
    expect(then).toEqual(now);
    expect(then.items[0]?.details).toMatchObject({
      commission: '0',
      commissionCurrency: 'RUB',
      commissionPercent: '15',
    });
  });

  test('lines that repeat a sku keep what was paid for each, by their place', async () => {
    const sku = skuOf(7);
    const { number } = state.add({
      lines: [
        { sku, customerPrice: '10' },
        { sku, customerPrice: '20' },
      ],
    });
    const { items } = parseFbsPosting((await world.read('fbs_postings')).records.get(number));
    expect(items.map(({ paidPrice }) => paidPrice)).toEqual(['10', '20']);
  });

  test('amounts in two currencies are not added', async () => {
    const { number } = state.add({ lines: [{}, { currency: 'KZT' }] });
    const order = parseFbsPosting((await world.read('fbs_postings')).records.get(number));
    expect(order).toMatchObject({ amount: null, currency: null, paidAmount: null });
  });

  test('64-bit ids come through digit by digit', async () => {
    const { number, orderId, lines } = state.add();
    const order = parseFbsPosting((await world.read('fbs_postings')).records.get(number));
    expect(order.details['orderId']).toBe(orderId);
    expect(order.items[0]?.sku).toBe(lines[0]?.sku);
    expect(BigInt(orderId)).toBeGreaterThan(2n ** 53n);
  });

  test('null objects are nothing known', async () => {
    world.sim.traps.nullObjects = true;
    const fbs = state.add({ status: 'cancelled' });
    const fbo = state.add({ scheme: 'fbo', status: 'delivered' });
    expect(parseFbsPosting((await world.read('fbs_postings')).records.get(fbs.number))).toMatchObject({
      status: 'cancelled',
      cancelReason: null,
      amount: '1200',
      paidAmount: null,
    });
    expect(parseFboPosting((await world.read('fbo_postings')).records.get(fbo.number))).toMatchObject({
      status: 'delivered',
      warehouseKey: null,
    });
  });

  test('parts of a split posting name the one they were split from, and share its order', async () => {
    const whole = state.add({ lines: [{}, {}] });
    const { cursor } = await world.read('fbs_postings');
    later(HOUR_MS);
    const part = state.split(whole.number);
    const { records } = await world.read('fbs_postings', { cursor });
    const [kept, moved] = [parseFbsPosting(records.get(whole.number)), parseFbsPosting(records.get(part.number))];
    expect(moved).toMatchObject({ parentKey: whole.number, orderGroup: kept.orderGroup, amount: '1200' });
    expect(kept).toMatchObject({ parentKey: null, amount: '1200' });
  });

  test('nothing of the buyer is handed on', async () => {
    fill('fbs', 1);
    const [raw] = (await world.read('fbs_postings')).records.values();
    expect(JSON.stringify(raw)).not.toMatch(/Vera|example\.org|Street|\+7|Innopolis|Buyer LLC/);
    expect(Object.keys(raw as object)).not.toContain('customer');
  });

  test('the seller’s own delivery is a scheme of its own, an unknown status is under way', async () => {
    const { number } = state.add({ scheme: 'rfbs', status: 'on_the_moon' });
    const order = parseFbsPosting((await world.read('fbs_postings')).records.get(number));
    expect(order).toMatchObject({ scheme: 'rfbs', status: 'processing', platformStatus: 'on_the_moon' });
  });
});

describe('fbs_postings', () => {
  test('status change after creation is found by last_changed_status_date, in one request', async () => {
    const { number } = state.add({ orderedAt: daysAgo(200) });
    fill('fbs', 250);
    const { cursor, records } = await world.read('fbs_postings');
    expect(records.size).toBe(251);
    later(HOUR_MS);
    state.change(number, 'delivered');
    const cost = await world.costOf(async () => {
      const second = await world.read('fbs_postings', { cursor });
      expect([...second.records.keys()]).toEqual([number]);
      expect(statusIn(second.records, number)).toBe('delivered');
    });
    expect(cost).toEqual({ [FBS]: 1 });
  });

  test('an increment costs a request per hundred changes', async () => {
    fill('fbs', 400);
    const { cursor } = await world.read('fbs_postings');
    later(HOUR_MS);
    for (const number of [...state.all.keys()].slice(0, 150)) state.change(number, 'delivered');
    expect(await world.costOf(() => world.read('fbs_postings', { cursor }))).toEqual({ [FBS]: 2 });
    later(HOUR_MS);
    const second = await world.read('fbs_postings', { cursor });
    later(HOUR_MS);
    expect(await world.costOf(() => world.read('fbs_postings', { cursor: second.cursor }))).toEqual({ [FBS]: 1 });
  });

  test('a posting that changes again while the list is read does not push another one past the cursor', async () => {
    fill('fbs', 150);
    const { cursor } = await world.read('fbs_postings');
    later(HOUR_MS);
    const numbers = [...state.all.keys()];
    for (const number of numbers) state.change(number, 'delivered');
    later(MINUTE_MS);
    const until = world.now;
    // Answered after `until`, as every later page is.
    later(MINUTE_MS);
    for (const number of numbers.slice(0, 20)) state.change(number, 'arbitration');
    const second = await world.read('fbs_postings', { cursor, until });
    expect(second.records.size).toBe(150);
  });

  test('a full pass goes by months and goes on where it broke off', async () => {
    state.add({ orderedAt: daysAgo(300) });
    const young = state.add({ orderedAt: daysAgo(2) });
    const { pages } = await world.read('fbs_postings');
    const marks = pages.flatMap(({ checkpoint }) => (checkpoint === undefined ? [] : [checkpoint]));
    expect(marks.length).toBeGreaterThan(10);
    const resumed = await world.read('fbs_postings', { cursor: marks.at(-2), type: 'full', since: null });
    expect([...resumed.records.keys()]).toEqual([young.number]);
    expect(resumed.cursor).toEqual({ mark: OZON_NOW.toISOString(), next: null });
  });

  test('PERIOD_IS_TOO_LONG never comes: no range is longer than a year, whatever the settings say', async () => {
    state.add({ orderedAt: daysAgo(900) });
    const { records } = await world.read('fbs_postings', {}, { orders_since: '2024-01-01' });
    expect(records.size).toBe(1);
  });

  test('has_next with empty pages ends, and nothing is in doubt', async () => {
    world.sim.traps.hasNextOnEmpty = true;
    fill('fbs', 130);
    const { records, problems, cursor } = await world.read('fbs_postings', {}, { orders_since: '2026-10-01' });
    expect([records.size, problems]).toEqual([130, []]);
    expect(cursor).toMatchObject({ next: null });
  });

  test('repeated cursor ends; behind a full page the mark stays and the run says why', async () => {
    fill('fbs', 130);
    const { cursor } = await world.read('fbs_postings');
    world.sim.traps.cursorRepeats = true;
    later(HOUR_MS);
    for (const number of state.all.keys()) state.change(number, 'delivered');
    const cost = await world.costOf(async () => {
      const second = await world.read('fbs_postings', { cursor });
      expect(second.problems).toMatchObject([{ code: 'platform.answer_invalid' }]);
      expect(second.cursor).toEqual(cursor);
    });
    expect(cost).toEqual({ [FBS]: 2 });
  });

  test('an empty cursor ends, whatever has_next says', async () => {
    world.sim.traps.cursorEmpty = true;
    fill('fbs', 130);
    const { records, problems } = await world.read('fbs_postings', {}, { orders_since: '2026-10-01' });
    expect(records.size).toBe(100);
    expect(problems).toHaveLength(1);
  });

  test('a backfill reads the orders of its window', async () => {
    const [old, inside] = [state.add({ orderedAt: daysAgo(80) }), state.add({ orderedAt: daysAgo(50) })];
    const plan = { type: 'backfill', since: daysAgo(60), until: daysAgo(40) } as const;
    const { records } = await world.read('fbs_postings', plan);
    expect([records.has(old.number), records.has(inside.number)]).toEqual([false, true]);
  });

  test('a list without postings in its answer is another answer than the one we know', async () => {
    world.sim.faults.add({ fault: { kind: 'garbage-page' } });
    await expect(world.read('fbs_postings')).rejects.toMatchObject({ code: 'platform.answer_invalid' });
  });
});

describe('fbo_postings', () => {
  const plan = (cursor: unknown): { cursor: unknown } => ({ cursor });

  test('a change of an open posting is found without a filter for changes', async () => {
    const { number } = state.add({ scheme: 'fbo', status: 'delivering', orderedAt: daysAgo(20) });
    fill('fbo', 300, 'delivered');
    const { cursor } = await world.read('fbo_postings');
    later(HOUR_MS);
    state.change(number, 'delivered');
    const fresh = state.add({ scheme: 'fbo' });
    const cost = await world.costOf(async () => {
      const second = await world.read('fbo_postings', plan(cursor));
      expect([...second.records.keys()].sort()).toEqual([fresh.number, number].sort());
      expect(second.cursor).toMatchObject({ open: { numbers: [fresh.number], from: null } });
    });
    expect(cost).toEqual({ [FBO]: 2 });
  });

  test('an increment costs one request, and one per hundred open postings', async () => {
    fill('fbo', 500, 'delivered');
    fill('fbo', 150, 'delivering');
    const { cursor } = await world.read('fbo_postings');
    later(HOUR_MS);
    expect(await world.costOf(() => world.read('fbo_postings', plan(cursor)))).toEqual({ [FBO]: 3 });
  });

  test('once a day the last two months are listed again, for what changes after the end', async () => {
    const { number } = state.add({ scheme: 'fbo', status: 'delivered', orderedAt: daysAgo(40) });
    const { cursor } = await world.read('fbo_postings');
    later(HOUR_MS);
    state.change(number, 'cancelled');
    expect((await world.read('fbo_postings', plan(cursor))).records.size).toBe(0);
    later(DAY_MS);
    expect(statusIn((await world.read('fbo_postings', plan(cursor))).records, number)).toBe('cancelled');
  });

  test('too many open postings for a cursor: everything since the oldest is listed again', async () => {
    fill('fbo', 1_600, 'delivering');
    const { cursor } = await world.read('fbo_postings');
    expect(cursor).toMatchObject({ open: { numbers: [], from: daysAgo(10).toISOString() } });
    later(HOUR_MS);
    const [first] = state.all.keys();
    state.change(first!, 'delivered');
    const second = await world.read('fbo_postings', plan(cursor));
    expect(second.records.size).toBe(1_600);
    expect(statusIn(second.records, first!)).toBe('delivered');
  });

  test('a posting that the platform no longer knows is asked for once', async () => {
    const { number } = state.add({ scheme: 'fbo', status: 'delivering', orderedAt: daysAgo(20) });
    const { cursor } = await world.read('fbo_postings');
    state.all.delete(number);
    later(HOUR_MS);
    const second = await world.read('fbo_postings', plan(cursor));
    expect(second.cursor).toMatchObject({ open: { numbers: [] } });
  });

  test('a full pass that breaks off keeps what was open', async () => {
    const { number } = state.add({ scheme: 'fbo', status: 'delivering', orderedAt: daysAgo(100) });
    const { pages } = await world.read('fbo_postings');
    const marks = pages.flatMap(({ checkpoint }) => (checkpoint === undefined ? [] : [checkpoint]));
    const resumed = await world.read('fbo_postings', { cursor: marks.at(-2), type: 'full', since: null });
    expect(resumed.records.size).toBe(0);
    expect(resumed.cursor).toMatchObject({ open: { numbers: [number] }, next: null });
  });
});
