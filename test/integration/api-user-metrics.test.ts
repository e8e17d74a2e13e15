// Series of a user's days over a real server: gaps, weeks and months, comparison, currencies, CSV, and whose rows a token opens.

import { beforeAll, describe, expect, test } from 'vitest';
import { createMetricApi } from '../support/metric-api.ts';
import { createTestClock } from '../support/scheduling.ts';

const { database, ada, bob, ofBob, ask, get } = await createMetricApi(createTestClock('2026-04-02T10:20:00Z'));

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
  const series = (query: string, as?: string) => get(`/v1/users/${ada.userId}/metrics?${query}`, as);
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
    const { body } = await get(`/v1/users/${ada.userId}/metrics`, undefined, late);
    expect(body).toMatchObject({ from: '2026-03-05', to: '2026-04-03' });
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
