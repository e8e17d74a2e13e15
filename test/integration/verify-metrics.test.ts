// `verify` finds what was altered by hand, in rows as in facts, and says which days it may not judge.

import { expect, test } from 'vitest';
import { verifyUser } from '../../src/ops/verify-metrics.ts';
import { DAY_MODEL } from '../../src/rollups/definitions.ts';
import type { Fact } from '../support/metric-facts.ts';
import { createMetricWorld, type MetricWorld } from '../support/metric-world.ts';
import { createTestDatabase } from '../support/postgres.ts';

const database = await createTestDatabase();
const worker = database.open('tidemark_worker');
const api = database.open('tidemark_api');
const NEVER = new AbortController().signal;

const order = (key: string, day: string, currency = 'USD'): Fact => ({
  kind: 'order',
  key,
  at: new Date(`${day}T12:00:00Z`),
  endedAt: null,
  cents: 1_001,
  currency,
  flag: false,
});

async function rolled(): Promise<MetricWorld> {
  const world = await createMetricWorld(database, { worker, api });
  await world.put([order('a', '2026-05-01'), order('b', '2026-05-02'), order('c', '2026-05-02', 'EUR')]);
  await world.roll();
  return world;
}

const verify = ({ userId }: MetricWorld, range: { from?: string; to?: string } = {}) =>
  verifyUser(api, { userId, ...range }, DAY_MODEL, NEVER);

test('what was rolled up is as the facts say', async () => {
  expect(await verify(await rolled())).toMatchObject({ checked: 2, sealed: 0, waiting: 0, differences: [] });
});

test.for([
  ['a count', `update user_metrics set orders = 7 where user_id = $1 and date = '2026-05-02'`, 'orders', '7', '2'],
  [
    'an amount',
    `update user_metrics set order_amount = 10.02 where user_id = $1 and date = '2026-05-02'`,
    'order_amount',
    '10.020000',
    '10.010000',
  ],
  [
    'an amount in another currency',
    `update analytics set metric_value = 1 where user_id = $1`,
    'order_amount:EUR',
    '1.000000',
    '10.010000',
  ],
  [
    'an amount that was made up',
    `insert into analytics (user_id, metric_name, metric_value, date, currency)
     values ($1, 'sales_amount', 5, '2026-05-02', 'RUB')`,
    'sales_amount:RUB',
    '5.000000',
    null,
  ],
  [
    'a zone',
    `update user_metrics set timezone = 'Asia/Tokyo' where user_id = $1 and date = '2026-05-02'`,
    'timezone',
    'Asia/Tokyo',
    'UTC',
  ],
  ['a row', `delete from user_metrics where user_id = $1 and date = '2026-05-02'`, 'row', null, '2 facts'],
] as const)('%s that was altered by hand is named', async ([, statement, what, stored, computed]) => {
  const world = await rolled();
  await database.asSuperuser(statement, [world.userId]);
  const { differences } = await verify(world);
  expect(differences).toEqual([{ userId: world.userId, day: '2026-05-02', what, stored, computed }]);
});

test('a fact that was altered by hand shows in the hash even where it changes no figure', async () => {
  const world = await rolled();
  await database.asSuperuser(`update orders set posting_currency = null where user_id = $1 and order_key = 'c'`, [
    world.userId,
  ]);
  expect((await verify(world)).differences.map(({ what }) => what)).toEqual(['inputs', 'order_amount:EUR']);
  const other = await rolled();
  await database.asSuperuser(`update orders set order_key = 'x' where user_id = $1 and order_key = 'c'`, [
    other.userId,
  ]);
  expect((await verify(other)).differences).toMatchObject([{ day: '2026-05-02', what: 'inputs' }]);
});

test('a marked day waits, a sealed one may not be judged, and other days are not looked at', async () => {
  const world = await rolled();
  await world.seal('2026-05-01');
  await database.asSuperuser('update user_metrics set orders = 7 where user_id = $1', [world.userId]);
  await world.put([order('d', '2026-05-02')]);
  expect(await verify(world)).toMatchObject({ sealedDays: ['2026-05-01'], sealed: 1, waiting: 1, differences: [] });
  expect(await verify(world, { from: '2026-05-03' })).toMatchObject({ checked: 0, sealed: 0, waiting: 0 });
  await world.roll();
  expect(await verify(world, { from: '2026-05-02', to: '2026-05-02' })).toMatchObject({ checked: 1, differences: [] });
});
