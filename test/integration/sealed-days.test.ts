// A sealed day is never computed again: what comes late for it is written beside it by the name of the fact, and purged facts that come
// again change nothing.

import { expect, test } from 'vitest';
import type { Fact } from '../support/metric-facts.ts';
import { createMetricWorld, type MetricWorld } from '../support/metric-world.ts';
import { createTestDatabase } from '../support/postgres.ts';

const database = await createTestDatabase();
const worker = database.open('tidemark_worker');
const api = database.open('tidemark_api');
const open = () => createMetricWorld(database, { worker, api });

const DAY = '2026-05-02';
const order = (key: string, over: Partial<Fact> = {}): Fact => ({
  kind: 'order',
  key,
  at: new Date(`${DAY}T12:00:00Z`),
  endedAt: null,
  cents: 1_001,
  currency: 'USD',
  flag: false,
  ...over,
});
const message = (key: string, at: string, flag: boolean): Fact =>
  order(key, { kind: 'message', at: new Date(at), flag });

const dayOf = async ({ userId }: MetricWorld, day = DAY): Promise<Record<string, unknown> | undefined> =>
  (
    await database.asSuperuser<{ row: Record<string, unknown> }>(
      'select to_jsonb(m) as row from user_metrics m where user_id = $1 and date = $2',
      [userId, day],
    )
  )[0]?.row;

const adjustments = ({ userId }: MetricWorld): Promise<unknown[]> =>
  database.asSuperuser(
    `select date::text, source, fact_key, reason, deltas from metric_adjustments where user_id = $1
     order by date, source, fact_key`,
    [userId],
  );

/** Two orders on a sealed day, of which `purged` are gone. */
async function sealed(purged: boolean): Promise<MetricWorld> {
  const world = await open();
  await world.put([order('a'), order('b')]);
  await world.roll();
  expect(await world.seal(DAY)).toEqual({ sealed: [DAY], waiting: [] });
  if (purged) expect((await world.purge()).get('orders')?.toSorted()).toEqual(['a', 'b']);
  return world;
}

test('a day that something marks is not sealed, nor one whose facts are not those of its row', async () => {
  const world = await open();
  await world.put([order('a'), order('b', { at: new Date('2026-05-03T12:00:00Z') })]);
  await world.roll();
  await world.put([order('c')]);
  await database.asSuperuser(`update orders set posting_amount = 5 where user_id = $1 and order_key = 'b'`, [
    world.userId,
  ]);
  expect(await world.seal('2026-05-04')).toEqual({ sealed: [], waiting: [DAY, '2026-05-03'] });
  await world.roll();
  expect(await world.seal('2026-05-04')).toEqual({ sealed: [DAY], waiting: ['2026-05-03'] });
});

test('facts of an open day are not purged', async () => {
  const world = await open();
  await world.put([order('a'), order('b', { endedAt: new Date('2026-05-05T12:00:00Z'), flag: true })]);
  expect((await world.purge()).get('orders')).toEqual([]);
  await world.roll();
  await world.seal(DAY);
  // The other one was cancelled on a day that is still open.
  expect((await world.purge()).get('orders')).toEqual(['a']);
  await world.put([order('c')]);
  expect((await world.purge()).get('orders')).toEqual([]);
});

test('a message is kept while the answer to it lies on an open day', async () => {
  const world = await open();
  await world.put([message('a', `${DAY}T12:00:00Z`, true), message('c', '2026-05-03T12:00:00Z', false)]);
  await world.roll();
  await world.seal(DAY);
  expect((await world.purge()).get('messages')).toEqual([]);
  await world.seal('2026-05-03');
  expect((await world.purge()).get('messages')).toHaveLength(2);
});

test.for([true, false])('a late fact becomes an adjustment, and the row stays (purged: %s)', async (purged) => {
  const world = await sealed(purged);
  const before = await dayOf(world);
  await world.put([order('c', { cents: 2_001, currency: 'EUR' })]);
  await world.roll();
  expect(await dayOf(world)).toEqual(before);
  expect(await adjustments(world)).toEqual([
    {
      date: DAY,
      source: 'orders.placed',
      fact_key: 'c',
      reason: 'late',
      deltas: { orders: 1, units_ordered: 1, 'order_amount:EUR': 20.01 },
    },
  ]);
  // It goes again before anything else happens.
  await world.remove(order('c'));
  await world.roll();
  expect(await adjustments(world)).toEqual([]);
});

test.for([true, false])('a changed fact adjusts by the difference (purged: %s)', async (purged) => {
  const world = await sealed(purged);
  await world.put([order('a', { cents: 1_501 })]);
  await world.roll();
  expect(await adjustments(world)).toMatchObject([
    { fact_key: 'a', reason: 'changed', deltas: { 'order_amount:USD': 5 } },
  ]);
  await world.put([order('a')]);
  await world.roll();
  expect(await adjustments(world)).toEqual([]);
});

test('a removed fact adjusts by all that it counted for', async () => {
  const world = await sealed(false);
  await world.remove(order('a'));
  await world.roll();
  expect(await adjustments(world)).toMatchObject([
    { fact_key: 'a', reason: 'removed', deltas: { orders: -1, units_ordered: -1, 'order_amount:USD': -10.01 } },
  ]);
});

test('a purged fact that comes again as it was changes nothing', async () => {
  const world = await sealed(true);
  await world.put([order('a'), order('b')]);
  expect(await world.marked()).toEqual([DAY]);
  await world.roll();
  expect(await adjustments(world)).toEqual([]);
  expect(await dayOf(world)).toMatchObject({ orders: 2 });
});

test.for([true, false])(
  'a fact that moves off a sealed day is taken from it and counts where it is (purged: %s)',
  async (purged) => {
    const world = await sealed(purged);
    await world.put([order('a', { at: new Date('2026-05-09T12:00:00Z') })]);
    await world.roll();
    expect(await adjustments(world)).toMatchObject([{ date: DAY, fact_key: 'a', reason: 'removed' }]);
    expect(await dayOf(world, '2026-05-09')).toMatchObject({ orders: 1 });
  },
);

test('a purged fact that comes again elsewhere and goes before the rollup is taken from its sealed day', async () => {
  const world = await sealed(true);
  const moved = order('a', { at: new Date('2026-05-09T12:00:00Z') });
  await world.put([moved]);
  expect(await world.marked()).toEqual([DAY, '2026-05-09']);
  await world.remove(moved);
  await world.roll();
  expect(await adjustments(world)).toMatchObject([{ date: DAY, fact_key: 'a', reason: 'removed' }]);
});

test('another zone takes facts off a sealed day that are still there, and leaves purged ones', async () => {
  const world = await open();
  const [early, late] = [order('a'), order('b', { at: new Date(`${DAY}T23:00:00Z`) })] as const;
  await world.put([early, late]);
  await world.roll();
  await world.seal(DAY);
  await world.change({ timezone: 'Asia/Tokyo' });
  await world.roll();
  expect(await adjustments(world)).toMatchObject([{ date: DAY, fact_key: 'b', reason: 'removed' }]);
  expect(await dayOf(world, '2026-05-03')).toMatchObject({ orders: 1 });
  expect(await dayOf(world)).toMatchObject({ timezone: 'UTC', orders: 2 });
});

test('adjustments outlive the purge of what they came from', async () => {
  const world = await sealed(true);
  await world.put([order('c')]);
  await world.roll();
  expect((await world.purge()).get('orders')).toEqual(['c']);
  await world.put([order('d')]);
  await world.roll();
  expect(await adjustments(world)).toMatchObject([{ fact_key: 'c' }, { fact_key: 'd' }]);
});

test('a first response on a sealed day is not taken back because the question was purged', async () => {
  const world = await open();
  const [asked, answer] = [message('a', `${DAY}T12:00:00Z`, true), message('c', `${DAY}T13:00:00Z`, false)] as const;
  await world.put([asked, answer]);
  await world.roll();
  await world.seal(DAY);
  await world.purge();
  // The platform tells the answer again, and not the question.
  await world.put([answer]);
  await world.roll();
  expect(await adjustments(world)).toEqual([]);
});

test('a seal that dies leaves the day open', async () => {
  const world = await open();
  await world.put([order('a')]);
  await world.roll();
  await world.seal(DAY, 'crashes');
  expect(await dayOf(world)).toMatchObject({ sealed_at: null });
  expect(await world.seal(DAY)).toEqual({ sealed: [DAY], waiting: [] });
});
