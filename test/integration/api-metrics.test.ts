// Series of metrics over a real server: gaps, zones and their clock changes, comparison, CSV, and whose rows a token opens.

import { beforeAll, describe, expect, test } from 'vitest';
import { HOUR_MS } from '../../src/core/duration.ts';
import type { Database } from '../../src/db/database.ts';
import { foldSettled } from '../../src/scheduler/metric-folder.ts';
import { moveHorizon, pruneMetrics } from '../../src/store/metric-fold.ts';
import { insertApiToken } from '../../src/store/api-tokens.ts';
import { createToken, hashToken } from '../../src/vault/token.ts';
import { bearer, issueToken, startApi } from '../support/api.ts';
import { addMetricAccount, sampleOf, type MetricAccount } from '../support/metrics.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createTestClock } from '../support/scheduling.ts';

const NOW = '2026-04-02T10:20:00Z';
const clock = createTestClock(NOW);

let database: TestDatabase;
let db: Database;
let scheduler: Database;
let worker: Database;
let ada: MetricAccount;
let bob: MetricAccount;
let token: string;
let ofBob: string;

async function tenantToken(userId: string): Promise<string> {
  const text = createToken().reveal();
  await insertApiToken(db, { name: 'tenant', tokenHash: hashToken(text), scopes: ['read'], expiresAt: null, userId });
  return text;
}

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.open('tidemark_api');
  scheduler = database.open('tidemark_scheduler');
  worker = database.open('tidemark_worker');
  ada = await addMetricAccount(database, worker, { timezone: 'Europe/Berlin' });
  bob = await addMetricAccount(database, worker, { platformId: 'ozon' });
  token = await issueToken(db, ['read']);
  ofBob = await tenantToken(bob.userId);
});

async function ask(path: string, as = token) {
  const { address } = await startApi(db, { deps: { clock } });
  const response = await fetch(`${address}${path}`, { headers: bearer(as) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, never> & { readonly items: readonly Record<string, unknown>[] };
}

async function get(path: string, as = token): Promise<Answer> {
  const { status, text } = await ask(path, as);
  return { status, body: JSON.parse(text) as Answer['body'] };
}

/** A day of a user as the rollup would have left it. */
async function addDay(
  userId: string,
  date: string,
  values: Record<string, unknown> = {},
  currency = 'USD',
): Promise<void> {
  const names = Object.keys(values);
  await database.asSuperuser(
    `insert into user_metrics (user_id, date, timezone, currency, computed_at${names.map((name) => `, ${name}`).join('')})
     values ($1, $2, 'Europe/Berlin', $3, now()${names.map((_, index) => `, $${index + 4}`).join('')})`,
    [userId, date, currency, ...Object.values(values)],
  );
}

describe('the days of a user', () => {
  const series = (query: string, as = token) => get(`/v1/users/${ada.userId}/metrics?${query}`, as);
  const metrics = 'metrics=orders,proposals_sent,proposals_answered,response_rate,order_amount,total_hours';

  beforeAll(async () => {
    await addDay(ada.userId, '2026-03-27', {
      orders: 2,
      proposals_sent: 4,
      proposals_answered: 1,
      order_amount: '10.50',
      total_hours: '1.25',
    });
    await addDay(ada.userId, '2026-03-29', {
      orders: 1,
      proposals_sent: 1,
      proposals_answered: 1,
      order_amount: '-2.5',
    });
    await addDay(ada.userId, '2026-03-30', { orders: 5, order_amount: '7' }, 'EUR');
    await database.asSuperuser(
      `insert into analytics (user_id, metric_name, metric_value, date, currency) values ($1, 'order_amount', 3.25, '2026-03-27', 'GBP')`,
      [ada.userId],
    );
  });

  test('are told without gaps, also across the day of 23 hours, money only in the reporting currency and others by theirs', async () => {
    const { body } = await series(`from=2026-03-27&to=2026-03-30&${metrics}`);
    expect(body).toMatchObject({ timezone: 'Europe/Berlin', currency: 'USD', previous: null, changePercent: null });
    const none = {
      orders: 0,
      proposals_sent: 0,
      proposals_answered: 0,
      response_rate: null,
      order_amount: null,
      total_hours: '0',
    };
    expect(body.items).toEqual([
      {
        start: '2026-03-27',
        from: '2026-03-27',
        to: '2026-03-27',
        days: 1,
        values: {
          orders: 2,
          proposals_sent: 4,
          proposals_answered: 1,
          response_rate: '25.00',
          order_amount: '10.5',
          total_hours: '1.25',
        },
        otherCurrencies: { order_amount: { GBP: '3.25' } },
      },
      { start: '2026-03-28', from: '2026-03-28', to: '2026-03-28', days: 0, values: none, otherCurrencies: {} },
      {
        start: '2026-03-29',
        from: '2026-03-29',
        to: '2026-03-29',
        days: 1,
        values: {
          ...none,
          orders: 1,
          proposals_sent: 1,
          proposals_answered: 1,
          response_rate: '100.00',
          order_amount: '-2.5',
          total_hours: expect.anything() as unknown,
        },
        otherCurrencies: {},
      },
      // On that day the euro was what he reported in: it is not added to dollars.
      {
        start: '2026-03-30',
        from: '2026-03-30',
        to: '2026-03-30',
        days: 1,
        values: { ...none, orders: 5, total_hours: expect.anything() as unknown },
        otherCurrencies: { order_amount: { EUR: '7' } },
      },
    ]);
  });

  test('add up to weeks and months; what is derived is reckoned from their sums, and ends are cut to what was asked for', async () => {
    const { body } = await series(`from=2026-03-25&to=2026-04-01&by=week&${metrics}`);
    expect(body.items.map(({ start, from, to, days }) => [start, from, to, days])).toEqual([
      ['2026-03-23', '2026-03-25', '2026-03-29', 2],
      ['2026-03-30', '2026-03-30', '2026-04-01', 1],
    ]);
    // One and one of four and one.
    expect(body.items[0]!['values']).toMatchObject({
      orders: 3,
      proposals_sent: 5,
      response_rate: '40.00',
      order_amount: '8',
    });
    const months = await series(`from=2026-02-01&to=2026-04-30&by=month&${metrics}`);
    expect(months.body.items.map(({ start, values }) => [start, (values as { orders: number }).orders])).toEqual([
      ['2026-02-01', 0],
      ['2026-03-01', 8],
      ['2026-04-01', 0],
    ]);
    expect(months.body['total']).toMatchObject({ days: 3, values: { orders: 8, response_rate: '40.00' } });
  });

  test('are compared with as many days right before, or with as many whole months', async () => {
    const { body } = await series(
      `from=2026-03-29&to=2026-03-30&compare=true&metrics=orders,response_rate,order_amount`,
    );
    expect(body['previous']).toMatchObject({ from: '2026-03-27', to: '2026-03-28', total: { values: { orders: 2 } } });
    expect(body['changePercent']).toEqual({ orders: 200, response_rate: 300, order_amount: -123.8 });
    const month = await series(`from=2026-03-01&to=2026-03-31&by=month&compare=true&metrics=orders`);
    expect(month.body['previous']).toMatchObject({ from: '2026-02-01', to: '2026-02-28' });
    expect(month.body['changePercent']).toEqual({ orders: null });
  });

  test('end today in the zone of the user, and begin 29 days before', async () => {
    const late = createTestClock('2026-04-02T22:30:00Z');
    const { address } = await startApi(db, { deps: { clock: late } });
    const response = await fetch(`${address}/v1/users/${ada.userId}/metrics`, { headers: bearer(token) });
    expect(await response.json()).toMatchObject({ from: '2026-03-05', to: '2026-04-03' });
  });

  test('have what came late for sealed days added to them', async () => {
    await addDay(ada.userId, '2025-01-10', { orders: 3, proposals_sent: 2, sealed_at: '2025-03-01' });
    await database.asSuperuser(
      `insert into metric_adjustments (user_id, date, source, integration_id, fact_key, reason, deltas, noted_at, updated_at)
       values ($1, '2025-01-10', 'orders.placed', $2, 'k', 'late', '{"orders": 1, "order_amount:USD": "4.5", "proposals_answered": 1}', now(), now())`,
      [ada.userId, ada.integrationId],
    );
    const { body } = await series(`from=2025-01-10&to=2025-01-10&${metrics}`);
    expect(body.items[0]!['values']).toMatchObject({ orders: 4, order_amount: '4.5', response_rate: '50.00' });
  });

  test('are every metric of the definitions when nobody names any, each with what it counts', async () => {
    const { body } = await series('from=2026-03-27&to=2026-03-27');
    const { body: listed } = await get('/v1/metrics');
    expect(listed.items.length).toBeGreaterThan(20);
    expect(listed.items).toContainEqual({
      name: 'orders',
      kind: 'sum',
      meaning: expect.stringContaining('Orders placed') as string,
    });
    expect(Object.keys(body.items[0]!['values'] as object)).toEqual(listed.items.map(({ name }) => name));
  });

  test.each([
    ['from=2026-02-30', 'a day that there is'],
    ['from=2026-03-02&to=2026-03-01', 'expected 1 to 3700 days'],
    ['from=0001-01-01&to=2026-03-01', 'expected 1 to 3700 days'],
    ['by=year', 'by'],
    ['metrics=orders,no_such', 'no_such'],
    [`metrics=${encodeURIComponent("orders,'; drop table users")}`, 'names of /v1/metrics'],
    ['unheard=1', 'unheard'],
  ])('refuse %s', async (query, said) => {
    const { status, body } = await series(query);
    expect([status, body['code']]).toEqual([400, 'input.invalid']);
    expect(body['detail']).toContain(said);
  });

  test('are a tenant’s own: another one’s are not there', async () => {
    expect((await series('', ofBob)).status).toBe(404);
    expect((await get(`/v1/users/${bob.userId}/metrics`, ofBob)).status).toBe(200);
  });

  test('as CSV have a line for each step and a column for each currency, numbers as numbers', async () => {
    const path = `/v1/users/${ada.userId}/metrics.csv?from=2026-03-27&to=2026-03-30&metrics=orders,order_amount`;
    const { headers, text } = await ask(path);
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(headers.get('content-disposition')).toBe('attachment; filename="userMetricsCsv.csv"');
    expect(text).toBe(
      [
        'from,to,days,orders,order_amount_USD,order_amount_EUR,order_amount_GBP',
        '2026-03-27,2026-03-27,1,2,10.5,,3.25',
        '2026-03-28,2026-03-28,0,0,,,',
        '2026-03-29,2026-03-29,1,1,-2.5,,',
        '2026-03-30,2026-03-30,1,5,,7,',
        '',
      ].join('\r\n'),
    );
  });
});

describe('metrics of platforms', () => {
  const calls = async (account: MetricAccount, at: string, count: number): Promise<void> =>
    account.add(
      sampleOf(
        'api_calls',
        new Date(at),
        Array.from({ length: count }, () => 1),
      ),
    );

  beforeAll(async () => {
    // On both sides of midnight in Berlin before and after the clocks change, and in the hour that the day of 25 hours has twice.
    await calls(ada, '2026-03-28T22:59:00Z', 1);
    await calls(ada, '2026-03-28T23:00:00Z', 2);
    await calls(ada, '2026-03-29T21:59:00Z', 4);
    await calls(ada, '2026-03-29T22:00:00Z', 8);
    await calls(bob, '2026-03-29T12:00:00Z', 16);
    await calls(ada, '2025-10-26T00:30:00Z', 1);
    await calls(ada, '2025-10-26T01:30:00Z', 1);
    await ada.add(sampleOf('response_time', new Date('2026-03-29T12:00:00Z'), [0.125, 0.125, 0.125, 0.875]));
    await foldSettled({ db: scheduler, clock }, { signal: new AbortController().signal });
    // Comes when all was folded.
    await calls(ada, '2026-03-29T21:59:00Z', 32);
  });

  const series = (query: string, as = token) => get(`/v1/platform-metrics?${query}`, as);
  async function sums(query: string, as = token): Promise<unknown> {
    const { body } = await series(query, as);
    const [{ items } = { items: [] }] = body.items as unknown as readonly {
      items: readonly { start: string; sum: number }[];
    }[];
    return items.map(({ start, sum }) => [start, sum]);
  }

  test('count to the days of the zone that is asked for, of 23 and of 25 hours', async () => {
    const span = 'from=2026-03-28&to=2026-03-30';
    expect(await sums(`${span}&integrationId=${ada.integrationId}&timezone=Europe/Berlin`)).toEqual([
      ['2026-03-28', 1],
      ['2026-03-29', 38],
      ['2026-03-30', 8],
    ]);
    expect(await sums(`${span}&integrationId=${ada.integrationId}`)).toEqual([
      ['2026-03-28', 3],
      ['2026-03-29', 44],
      ['2026-03-30', 0],
    ]);
    const hours = async (day: string): Promise<unknown> =>
      ((await sums(`from=${day}&to=${day}&by=hour&timezone=Europe/Berlin&userId=${ada.userId}`)) as unknown[]).length;
    expect([await hours('2026-03-28'), await hours('2026-03-29'), await hours('2025-10-26')]).toEqual([24, 23, 25]);
    expect(await sums('from=2025-10-26&to=2025-10-26&by=hour&timezone=Europe/Berlin')).toEqual(
      expect.arrayContaining([
        ['2025-10-26T00:00:00.000Z', 1],
        ['2025-10-26T01:00:00.000Z', 1],
        ['2025-10-26T02:00:00.000Z', 0],
      ]),
    );
  });

  test('are of everybody, a user, an integration or a platform, or of each of them', async () => {
    const day = 'from=2026-03-29&to=2026-03-29';
    const total = async (more: string): Promise<unknown> => await sums(`${day}${more}`);
    expect(await total('')).toEqual([['2026-03-29', 60]]);
    expect(await total(`&userId=${bob.userId}`)).toEqual([['2026-03-29', 16]]);
    expect(await total('&platform=upwork')).toEqual([['2026-03-29', 44]]);
    expect(await total(`&integrationId=${bob.integrationId}&platform=upwork`)).toEqual([['2026-03-29', 0]]);
    const { body } = await series(`${day}&split=platform`);
    expect(body.items.map(({ of, label, total: t }) => [of, label, (t as { sum: number }).sum])).toEqual([
      ['upwork', 'Upwork', 44],
      ['ozon', 'Ozon', 16],
    ]);
    const byUser = await series(`${day}&split=user`);
    expect(byUser.body.items.map(({ of, label }) => [of, label])).toEqual([
      [ada.userId, 'Ada'],
      [bob.userId, 'Ada'],
    ]);
  });

  test('are a tenant’s own, whatever he asks for', async () => {
    expect(await sums('from=2026-03-29&to=2026-03-29', ofBob)).toEqual([['2026-03-29', 16]]);
    expect(await sums(`from=2026-03-29&to=2026-03-29&userId=${ada.userId}`, ofBob)).toEqual([['2026-03-29', 0]]);
    expect((await series('from=2026-03-29&to=2026-03-29&split=user', ofBob)).body.items).toHaveLength(1);
    const live = await get('/v1/platform-metrics/live?hours=72', ofBob);
    expect(live.body.items.map(({ platform }) => platform)).not.toContain('upwork');
  });

  test('of durations have percentiles, and a total over all steps', async () => {
    const { body } = await series('from=2026-03-28&to=2026-03-30&metric=response_time&by=day');
    expect(body).toMatchObject({ unit: 'seconds', metric: 'response_time' });
    const [{ items, total }] = body.items as unknown as [{ items: readonly unknown[]; total: unknown }];
    expect(items[0]).toMatchObject({ count: 0, mean: null, p50: null });
    expect(items[1]).toMatchObject({ count: 4, mean: 0.3125, min: 0.125, max: 0.875, p95: 0.875 });
    expect(total).toMatchObject({ start: '2026-03-28', to: '2026-03-30', count: 4, p99: 0.875 });
  });

  test('are compared with what was right before', async () => {
    const { body } = await series(`from=2026-03-29&to=2026-03-29&compare=true&integrationId=${ada.integrationId}`);
    expect(body).toMatchObject({ previousFrom: '2026-03-28', previousTo: '2026-03-28' });
    expect(body.items[0]).toMatchObject({ previousTotal: { sum: 3 }, changePercent: 1366.7 });
  });

  test('hour by hour are told at once, before anything is folded', async () => {
    await calls(ada, '2026-04-02T10:19:00Z', 3);
    await calls(ada, '2026-04-02T08:00:00Z', 1);
    await calls(bob, '2026-04-02T10:00:00Z', 2);
    const { body } = await get('/v1/platform-metrics/live?hours=3');
    expect(body.items).toEqual([
      { platform: 'ozon', hour: '2026-04-02T10:00:00.000Z', counts: { api_calls: 2 } },
      { platform: 'upwork', hour: '2026-04-02T10:00:00.000Z', counts: { api_calls: 3 } },
      { platform: 'upwork', hour: '2026-04-02T08:00:00.000Z', counts: { api_calls: 1 } },
    ]);
    expect((await get('/v1/platform-metrics/live?hours=1')).body.items).toHaveLength(2);
  });

  test.each([
    ['timezone=%2B03:00', 'an offset means the opposite to a database'],
    ['timezone=UTC%2B3', 'so does this one'],
    ['timezone=Europe/Nowhere', 'no zone'],
    ["timezone=UTC'%20or%201=1", 'no zone'],
    ['by=minute&from=2026-03-01&to=2026-03-04', 'too much'],
    ['metric=users', 'no metric'],
    ['from=2026-13-01', 'no day'],
    ['userId=x', 'no id'],
  ])('refuse %s: %s', async (query) => {
    expect(await series(query)).toMatchObject({ status: 400, body: { code: 'input.invalid' } });
  });

  test('as CSV run nothing in a spreadsheet, whatever a user calls himself', async () => {
    const evil = `=HYPERLINK("http://evil.test","x")`;
    await database.asSuperuser('update users set name = $2 where id = $1', [bob.userId, evil]);
    const { text } = await ask('/v1/platform-metrics.csv?from=2026-03-29&to=2026-03-29&split=user');
    const lines = text.split('\r\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe('of,label,from,to,count,sum,min,max,mean,p50,p95,p99');
    expect(lines[1]).toBe(`${ada.userId},Ada,2026-03-29,2026-03-29,44,44,1,1,1,,,`);
    expect(lines[2]).toBe(
      `${bob.userId},"'=HYPERLINK(""http://evil.test"",""x"")",2026-03-29,2026-03-29,16,16,1,1,1,,,`,
    );
  });

  test('say since when they are kept, and until when days of a zone are days of UTC', async () => {
    const forgotten = new Date('2026-03-29T00:00:00Z');
    await pruneMetrics(scheduler, 'hour', forgotten, 1_000);
    const { body } = await series(
      `from=2026-03-28&to=2026-03-30&timezone=Europe/Berlin&integrationId=${ada.integrationId}`,
    );
    expect(body).toMatchObject({ keptFrom: null, daysOfUtcUntil: '2026-03-29T00:00:00.000Z' });
    const [{ items }] = body.items as unknown as [{ items: readonly { start: string; sum: number }[] }];
    // What was counted between 23:00 and midnight UTC is of the 28th now; nothing is lost or twice.
    expect(items.map(({ start, sum }) => [start, sum])).toEqual([
      ['2026-03-28', 3],
      ['2026-03-29', 36],
      ['2026-03-30', 8],
    ]);
    const hours = await series('from=2026-03-28&to=2026-03-29&by=hour');
    expect(hours.body['keptFrom']).toBe('2026-03-29T00:00:00.000Z');
    const [first] = (hours.body.items[0] as unknown as { items: readonly { start: string }[] }).items;
    expect(first!.start).toBe('2026-03-29T00:00:00.000Z');
    await moveHorizon(scheduler, 'day', new Date(forgotten.getTime() + HOUR_MS));
    expect(await sums('from=2026-03-27&to=2026-03-30')).toHaveLength(2);
  });
});
