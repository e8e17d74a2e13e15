// Series of what platforms did over a real server: gaps, zones and their clock changes, comparison, CSV, and whose rows a token opens.

import { beforeAll, describe, expect, test } from 'vitest';
import { HOUR_MS } from '../../src/core/duration.ts';
import { foldSettled } from '../../src/scheduler/metric-folder.ts';
import { moveHorizon, pruneMetrics } from '../../src/store/metric-fold.ts';
import { createMetricApi } from '../support/metric-api.ts';
import { sampleOf, type MetricAccount } from '../support/metrics.ts';
import { createTestClock } from '../support/scheduling.ts';

const clock = createTestClock('2026-04-02T10:20:00Z');
const { database, scheduler, ada, bob, ofBob, ask, get } = await createMetricApi(clock);

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

  const series = (query: string, as?: string) => get(`/v1/platform-metrics?${query}`, as);
  async function sums(query: string, as?: string): Promise<unknown> {
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
