// What a user's day says of shops and talks, and that it follows its facts: late, changed, removed, in another zone, of an account that
// goes, of a platform that is connected later.

import { expect, test } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import { removeIntegration } from '../../src/ops/remove-integration.ts';
import { DAY_MODEL } from '../../src/rollups/definitions.ts';
import { createRollupHandler, rollMarked } from '../../src/rollups/roll-day.ts';
import { applyStatuses, removeMessages, storeStatuses } from '../../src/store/message-facts.ts';
import { markDirtyDays } from '../../src/store/dirty-days.ts';
import { holdTimezone } from '../../src/store/hold-timezone.ts';
import type { MetricModel } from '../../src/store/metric-model.ts';
import { questionsTable } from '../../src/store/record-tables/questions.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { systemClock } from '../../src/core/clock.ts';
import { chatOf, type Fact } from '../support/metric-facts.ts';
import { createMetricWorld, type MetricWorld } from '../support/metric-world.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { addWorker } from '../support/claim-run.ts';

const database = await createTestDatabase();
const worker = database.open('tidemark_worker');
const api = database.open('tidemark_api');
const open = (timezone = 'UTC') => createMetricWorld(database, { worker, api, timezone });

const fact = (kind: Fact['kind'], key: string, at: string, over: Partial<Fact> = {}): Fact => ({
  kind,
  key,
  at: new Date(at),
  endedAt: null,
  cents: 1_001,
  currency: 'USD',
  flag: false,
  ...over,
});
const inbound = (key: string, at: string): Fact => fact('message', key, at, { flag: true });
const outbound = (key: string, at: string): Fact => fact('message', key, at);

type Row = Readonly<Record<string, unknown>>;

async function rowsOf({ userId }: MetricWorld): Promise<Record<string, Row>> {
  const rows = await database.asSuperuser<Row>(
    'select to_jsonb(m) as row from user_metrics m where user_id = $1 order by date',
    [userId],
  );
  return Object.fromEntries(rows.map(({ row }) => [(row as { date: string }).date, row as Row]));
}

const othersOf = ({ userId }: MetricWorld): Promise<Row[]> =>
  database.asSuperuser(
    'select date::text, metric_name, currency, metric_value::float8 as value from analytics where user_id = $1 order by 1, 2, 3',
    [userId],
  );

test('a shop’s day has its orders, returns and money, by currency', async () => {
  const world = await open('Europe/Moscow');
  await world.put([
    fact('order', 'a', '2026-05-01T22:00:00Z', { cents: 10_002 }),
    fact('order', 'b', '2026-05-02T10:00:00Z', { cents: 2_001, endedAt: new Date('2026-05-03T10:00:00Z'), flag: true }),
    fact('order', 'c', '2026-05-02T11:00:00Z', { cents: 5_000, currency: 'RUB' }),
    fact('sale', 'a', '2026-05-02T10:00:00Z', { flag: true, cents: 900 }),
    fact('return', 'a', '2026-05-02T12:00:00Z', { flag: true, cents: 300, currency: 'RUB' }),
    fact('finance', 'a', '2026-05-02T23:59:59Z', { cents: 777 }),
  ]);
  await world.roll();
  const rows = await rowsOf(world);
  expect(rows['2026-05-02']).toMatchObject({
    orders: 3,
    units_ordered: 3,
    order_amount: 120.03,
    orders_cancelled: 0,
    sales: 1,
    sales_amount: 9,
    returns: 1,
    return_amount: null,
    finance_amount: 7.77,
    currency: 'USD',
    input_count: 6,
  });
  expect(rows['2026-05-03']).toMatchObject({ orders: 0, order_amount: null, orders_cancelled: 1 });
  const others = [
    { date: '2026-05-02', metric_name: 'order_amount', currency: 'RUB', value: 50 },
    { date: '2026-05-02', metric_name: 'return_amount', currency: 'RUB', value: 3 },
  ];
  expect(await othersOf(world)).toEqual(others);

  // Another reporting currency swaps the two.
  await world.change({ reportingCurrency: 'RUB' });
  await world.roll();
  expect((await rowsOf(world))['2026-05-02']).toMatchObject({ currency: 'RUB', order_amount: 50, return_amount: 3 });
  expect(await othersOf(world)).toMatchObject([
    { metric_name: 'finance_amount', currency: 'USD' },
    { metric_name: 'order_amount', currency: 'USD', value: 120.03 },
    { metric_name: 'sales_amount', currency: 'USD' },
  ]);
});

test('a shop’s day has what buyers think of it and how often they looked', async () => {
  const world = await open('Europe/Moscow');
  await world.put([
    fact('review', 'a', '2026-05-01T22:00:00Z', { flag: true, cents: 4 }),
    fact('review', 'b', '2026-05-02T10:00:00Z', { flag: true, cents: 1 }),
    fact('review', 'c', '2026-05-02T11:00:00Z'),
    // The platform’s own day, although it is the next one in Moscow.
    fact('views', 'a', '2026-05-02T22:00:00Z', { flag: true, cents: 120 }),
    fact('views', 'b', '2026-05-02T10:00:00Z', { flag: true, cents: 5 }),
    fact('views', 'c', '2026-05-02T10:00:00Z'),
  ]);
  await world.roll();
  const day = async (): Promise<unknown> => (await rowsOf(world))['2026-05-02'];
  expect(await day()).toMatchObject({
    reviews: 3,
    reviews_rated: 2,
    rating_total: 7,
    average_rating: 3.5,
    listing_views: 125,
  });

  // A buyer thinks again, and a rating may be taken back.
  await world.put([fact('review', 'a', '2026-05-01T22:00:00Z', { flag: true, cents: 0 })]);
  await world.roll();
  expect(await day()).toMatchObject({ reviews: 3, rating_total: 3, average_rating: 1.5 });
  await world.put([fact('review', 'a', '2026-05-01T22:00:00Z'), fact('review', 'b', '2026-05-02T10:00:00Z')]);
  await world.roll();
  expect(await day()).toMatchObject({ reviews: 3, reviews_rated: 0, rating_total: 0, average_rating: null });
});

test('a freelancer’s day has earnings without fees, and hours of the platform’s day', async () => {
  const world = await open('America/New_York');
  await world.put([
    fact('payment', 'a', '2026-05-02T10:00:00Z', { flag: true, cents: 5_001 }),
    fact('payment', 'b', '2026-05-02T10:00:00Z', { cents: -501 }),
    fact('payment', 'c', '2026-05-02T10:00:00Z', { flag: true, cents: 5_000 }),
    // 1 May in New York, but the platform says 2 May.
    fact('time', 'a', '2026-05-02T00:30:00Z', { cents: 250 }),
  ]);
  await world.roll();
  expect(await rowsOf(world)).toMatchObject({
    '2026-05-02': { payments: 1, total_earnings: 50.01, platform_fees: -5.01, total_hours: 2.5 },
  });
});

test('the first answer after messages in is a first response, on its own day; the average is theirs', async () => {
  const world = await open();
  await world.put([
    inbound('a', '2026-05-01T23:59:00Z'),
    inbound('c', '2026-05-02T00:00:30Z'),
    outbound('e', '2026-05-02T00:01:00Z'),
    outbound('g', '2026-05-02T00:02:00Z'),
    // Asked and answered within one second of a platform that tells whole seconds.
    inbound('i', '2026-05-02T09:00:00Z'),
    outbound('k', '2026-05-02T09:00:00Z'),
    // Of another talk.
    inbound('b', '2026-05-01T10:00:00Z'),
  ]);
  await world.roll();
  expect(await rowsOf(world)).toMatchObject({
    '2026-05-01': { messages_in: 2, messages_out: 0, first_responses: 0, first_response_seconds: null },
    '2026-05-02': { messages_in: 2, messages_out: 3, first_responses: 2, first_response_seconds: 60 },
  });
});

test('a late message in marks the day of the answer that follows it, and no other', async () => {
  const world = await open();
  await world.put([
    inbound('a', '2026-05-03T12:00:00Z'),
    outbound('c', '2026-05-05T12:00:00Z'),
    outbound('e', '2026-05-07T12:00:00Z'),
  ]);
  await world.roll();
  await world.put([inbound('g', '2026-05-01T12:00:00Z')]);
  expect(await world.marked()).toEqual(['2026-05-01', '2026-05-05']);
  await world.roll();
  expect((await rowsOf(world))['2026-05-05']).toMatchObject({ first_response_seconds: 4 * 86_400 });
});

test('a message that is removed or turns out to have failed changes its day and that of the next answer', async () => {
  const world = await open();
  const [asked, answer, next] = [
    inbound('a', '2026-05-01T12:00:00Z'),
    outbound('c', '2026-05-03T12:00:00Z'),
    outbound('e', '2026-05-05T12:00:00Z'),
  ] as const;
  await world.put([asked, answer, next]);
  await world.roll();
  const target = { userId: world.userId, integrationId: world.integrationId, timezone: 'UTC', now: new Date() };
  const failed = {
    platformMessageId: answer.key,
    status: 'failed' as const,
    at: new Date(),
    recipientId: null,
    error: null,
    details: {},
  };
  const told = await world.tx(async (tx) => {
    await storeStatuses(tx, target, [failed]);
    const days = await applyStatuses(tx, target, [answer.key]);
    await markDirtyDays(tx, world.userId, days);
    return days;
  });
  expect([...told!].sort()).toEqual(['2026-05-03', '2026-05-05']);
  await world.roll();
  expect(await rowsOf(world)).toMatchObject({
    '2026-05-03': { messages_out: 0, first_responses: 0 },
    '2026-05-05': { messages_out: 1, first_responses: 1, first_response_seconds: 4 * 86_400 },
  });
  const removed = await world.tx((tx) =>
    removeMessages(tx, target, [{ chatKey: chatOf(asked), platformMessageId: asked.key, removedAt: new Date() }]),
  );
  expect([...removed!].sort()).toEqual(['2026-05-01', '2026-05-05']);
});

test('a fact that moves rolls up the day it was on and the day it is on, and no other', async () => {
  const world = await open();
  await world.put([fact('order', 'a', '2026-05-01T12:00:00Z'), fact('order', 'b', '2026-05-02T12:00:00Z')]);
  await world.roll();
  await world.put([fact('order', 'a', '2026-05-04T12:00:00Z')]);
  expect(await world.marked()).toEqual(['2026-05-01', '2026-05-04']);
  await world.roll();
  expect(await rowsOf(world)).toMatchObject({
    '2026-05-01': { orders: 0, order_amount: null, input_count: 0 },
    '2026-05-02': { orders: 1 },
    '2026-05-04': { orders: 1 },
  });
});

test('another zone rolls up the days that have a row and those that facts come to', async () => {
  const world = await open();
  await world.put([fact('order', 'a', '2026-05-01T23:00:00Z'), fact('order', 'b', '2026-05-09T12:00:00Z')]);
  await world.roll();
  await world.change({ timezone: 'Asia/Tokyo' });
  expect(await world.marked()).toEqual(['2026-05-01', '2026-05-02', '2026-05-09']);
  await world.roll();
  expect(await rowsOf(world)).toMatchObject({
    '2026-05-01': { orders: 0, timezone: 'Asia/Tokyo' },
    '2026-05-02': { orders: 1 },
    '2026-05-09': { orders: 1, timezone: 'Asia/Tokyo' },
  });
});

test('a zone does not change between the days of a page and its commit', async () => {
  const world = await open();
  let changed = false;
  let change: Promise<void> | undefined;
  await world.tx(async (tx) => {
    expect(await holdTimezone(tx, world.userId)).toBe('UTC');
    change = world.change({ timezone: 'Asia/Tokyo' }).then(() => void (changed = true));
    // The other transaction stands in the queue for the lock.
    const waits = `select count(*)::int as waiting from pg_locks where locktype = 'advisory' and not granted
      and database = (select oid from pg_database where datname = current_database())`;
    await expect.poll(async () => (await tx.query<{ waiting: number }>(waits)).rows[0]!.waiting).toBe(1);
    expect(changed).toBe(false);
  });
  await change;
  expect(await world.tx((tx) => holdTimezone(tx, world.userId))).toBe('Asia/Tokyo');
});

test('an account that is removed takes its facts out of the days', async () => {
  const world = await open();
  await world.put([fact('order', 'a', '2026-05-01T12:00:00Z'), inbound('a', '2026-05-03T12:00:00Z')]);
  await world.roll();
  await api.tx({ kind: 'ops' }, (tx) => removeIntegration(tx, world.integrationId));
  expect(await world.marked()).toEqual(['2026-05-01', '2026-05-03']);
  // The lease ended with the account; the user is still there.
  const day = { userId: world.userId, day: '2026-05-01' };
  const job = {
    jobId: uuidv7(),
    workerId: await addWorker(database.asSuperuser),
    attempt: 1,
    payload: day,
    log: silentLog,
  };
  await createRollupHandler({ db: worker, clock: systemClock })(job as never);
  expect(await rowsOf(world)).toMatchObject({ '2026-05-01': { orders: 0 }, '2026-05-03': { messages_in: 0 } });
});

test('a job takes every marked day of its user; after a failure only its own', async () => {
  const world = await open();
  await world.put([fact('order', 'a', '2026-05-01T12:00:00Z'), fact('order', 'b', '2026-05-02T12:00:00Z')]);
  const roll = async (attempt: number, day: string): Promise<unknown> => {
    const payload = { userId: world.userId, day };
    const workerId = await addWorker(database.asSuperuser);
    return await createRollupHandler({ db: worker, clock: systemClock })({
      jobId: uuidv7(),
      workerId,
      attempt,
      payload,
      log: silentLog,
    } as never);
  };
  expect(await roll(2, '2026-05-02')).toMatchObject({ kind: 'completed', result: { days: 1, facts: 1 } });
  expect(await world.marked()).toEqual(['2026-05-01']);
  await world.put([fact('order', 'c', '2026-05-03T12:00:00Z')]);
  expect(await roll(1, '2026-05-01')).toMatchObject({ kind: 'completed', result: { days: 2, facts: 2 } });
  expect(await world.marked()).toEqual([]);
});

test('the hash of the inputs does not depend on their order, and depends on what counts of them', async () => {
  const world = await open();
  const hash = async (): Promise<unknown> => (await rowsOf(world))['2026-05-01']?.['input_hash'];
  const [a, b] = [fact('order', 'a', '2026-05-01T12:00:00Z'), fact('order', 'b', '2026-05-01T12:00:00Z')];
  await world.put([a]);
  await world.put([b]);
  await world.roll();
  const first = await hash();
  await world.remove(a);
  await world.remove(b);
  await world.put([b]);
  await world.roll();
  expect(await hash()).not.toBe(first);
  await world.put([a]);
  await world.roll();
  expect(await hash()).toBe(first);
  await world.put([{ ...a, cents: 1_003 }]);
  await world.roll();
  expect(await hash()).not.toBe(first);
});

test('a further source and its columns are lines of the list', async () => {
  await database.asSuperuser('alter table user_metrics add column if not exists questions integer not null default 0');
  const model: MetricModel = {
    sources: [...DAY_MODEL.sources, { name: 'questions', table: questionsTable, at: 'published_at' }],
    metrics: [
      ...DAY_MODEL.metrics,
      {
        kind: 'sum',
        column: 'questions',
        type: 'integer',
        source: 'questions',
        value: '1',
        meaning: 'Questions that buyers asked on the day.',
      },
    ],
  };
  const world = await open();
  await database.asSuperuser(
    `insert into questions (user_id, integration_id, question_key, status, published_at, content_hash)
     values ($1, $2, 'r', 'new', '2026-05-01T12:00:00Z', '')`,
    [world.userId, world.integrationId],
  );
  await world.tx((tx) => rollMarked(tx, { userId: world.userId, days: ['2026-05-01'], now: new Date() }, model));
  expect(await rowsOf(world)).toMatchObject({ '2026-05-01': { questions: 1, input_count: 1 } });
  await database.asSuperuser('alter table user_metrics drop column questions');
});
