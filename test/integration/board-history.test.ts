// The history of queues as Bull Board reads it: over its own routes, which check every answer against the board's schemas.

import { createBullBoard } from '@bull-board/api';
import { FastifyAdapter } from '@bull-board/fastify';
import fastify from 'fastify';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { createHistoryProvider, createMinuteMetrics } from '../../src/dashboard/bull-board/history-provider.ts';
import { addHistoryBatch, addQueueAges } from '../../queues/history-write.ts';
import { addDuration, emptyTally, type Tally } from '../../queues/history.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createTestClock } from '../support/scheduling.ts';

const database = await createTestDatabase();
const [worker, api] = [database.open('tidemark_worker'), database.open('tidemark_api')];
const NOW = Date.parse('2026-03-02T12:30:30Z');
const MINUTE = Math.floor(NOW / MINUTE_MS) * MINUTE_MS;
const HOUR = Math.floor(NOW / HOUR_MS) * HOUR_MS;
const DAY = Math.floor(NOW / DAY_MS) * DAY_MS;
const clock = createTestClock(new Date(NOW).toISOString());
const app = fastify();

function tallyOf(queue: string, startMs: number, counts: Partial<Tally>, ranMs: readonly number[] = []): Tally {
  const tally = Object.assign(emptyTally(queue, startMs), counts);
  for (const ms of ranMs) addDuration(tally.run, ms);
  return tally;
}

beforeAll(async () => {
  const adapter = new FastifyAdapter().setBasePath('/queues');
  const historyProvider = createHistoryProvider({ db: api, clock });
  createBullBoard({ serverAdapter: adapter, queues: [], options: { historyProvider, validateResponses: true } });
  await app.register(adapter.registerPlugin(), { prefix: '/queues' });
});
afterAll(() => app.close());

beforeEach(async () => {
  await database.asSuperuser('delete from queue_history; delete from queue_history_writers');
  const minutes = [
    tallyOf('metrics', MINUTE - DAY_MS, { completed: 5 }, [20]),
    tallyOf('metrics', MINUTE - 2 * MINUTE_MS, { completed: 3, failed: 2 }, [10, 10, 10, 10]),
    tallyOf('metrics', MINUTE, { completed: 1 }, [4_000]),
    tallyOf('webhooks', MINUTE, { completed: 10 }),
  ];
  await addHistoryBatch(worker, { writerId: '00000000-0000-4000-8000-000000000001', number: 1, minutes }, clock.now());
  await addQueueAges(worker, [{ queue: 'metrics', oldestReadyMs: 1_234.5 }], clock.now());
});

async function get(path: string, query: Readonly<Record<string, string | number>>): Promise<unknown> {
  const { statusCode, body } = await app.inject({
    url: `/queues/api/metrics/${path}`,
    query: Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)])),
  });
  expect([statusCode, body]).toEqual([200, body]);
  return JSON.parse(body) as unknown;
}

const twoDays = { from: DAY - DAY_MS, to: NOW };

test('throughput comes by day, of one queue and of all', async () => {
  expect(await get('history', { ...twoDays, granularity: 'day', queue: 'metrics' })).toEqual({
    completed: [
      { ts: DAY - DAY_MS, value: 5 },
      { ts: DAY, value: 4 },
    ],
    failed: [
      { ts: DAY - DAY_MS, value: 0 },
      { ts: DAY, value: 2 },
    ],
  });
  expect(await get('history', { ...twoDays, granularity: 'day', metric: 'completed' })).toEqual({
    completed: [
      { ts: DAY - DAY_MS, value: 5 },
      { ts: DAY, value: 14 },
    ],
  });
});

test('hours without a job are zero, and the age of a queue is in milliseconds', async () => {
  const hours = { ...twoDays, granularity: 'hour', queue: 'metrics' };
  const { completed } = (await get('history', { ...hours, metric: 'completed' })) as { completed: { ts: number }[] };
  expect(completed).toHaveLength(25);
  expect(completed.at(-2)).toEqual({ ts: HOUR - HOUR_MS, value: 0 });
  const { queueage } = (await get('history', { ...hours, metric: 'queueage' })) as { queueage: unknown[] };
  expect(queueage.at(-1)).toEqual({ ts: HOUR, value: 1_235 });
});

test('the series of a dead letter is the deaths of its queue', async () => {
  expect(await get('history', { ...twoDays, granularity: 'day', queue: 'metrics-dead' })).toEqual({
    completed: [],
    failed: [
      { ts: DAY - DAY_MS, value: 0 },
      { ts: DAY, value: 2 },
    ],
  });
  expect(await get('latency', { ...twoDays, metric: 'runtime', queue: 'metrics-dead' })).toEqual([]);
});

test('latency comes as percentiles by hour, by day and for the whole range', async () => {
  const runtime = { ...twoDays, metric: 'runtime', queue: 'metrics', percentiles: '0,50,100' };
  expect(await get('latency', { ...runtime, granularity: 'hour' })).toEqual([
    { ts: HOUR - DAY_MS, count: 1, values: { 0: 20, 50: 20, 100: 20 } },
    { ts: HOUR, count: 5, values: { 0: 10, 50: expect.closeTo(10.5, 0) as number, 100: 4_000 } },
  ]);
  expect(await get('latency', { ...runtime, granularity: 'day' })).toHaveLength(2);
  expect(await get('latency', { ...runtime, granularity: 'range' })).toEqual([
    { ts: DAY - DAY_MS, count: 6, values: { 0: 10, 50: expect.closeTo(10.5, 0) as number, 100: 4_000 } },
  ]);
  expect(await get('latency', { metric: 'runtime' })).toHaveLength(2);
  expect(await get('latency', { ...runtime, metric: 'waittime' })).toEqual([]);
});

test('a stretch of any length is answered in bounded time, with what is kept', async () => {
  const forever = { from: -1e300, to: 1e300, queue: 'metrics' };
  const { completed } = (await get('history', forever)) as { completed: { value: number }[] };
  expect(completed.reduce((sum, { value }) => sum + value, 0)).toBe(9);
});

test('usage adds up, and history is cleared up to a day', async () => {
  const usage = (await get('history/usage', {})) as Record<string, unknown>;
  expect(usage).toMatchObject({ keys: 7, minutes: 4, oldestDay: '2026-03-01', newestDay: '2026-03-02' });
  expect(usage['queues']).toMatchObject([
    { queue: 'metrics', keys: 5, minutes: 3, days: ['2026-03-01', '2026-03-02'] },
    { queue: 'webhooks', keys: 2, minutes: 1, days: ['2026-03-02'] },
  ]);
  const purge = async (payload: object) =>
    (await app.inject({ method: 'POST', url: '/queues/api/metrics/history/purge', payload })).json() as unknown;
  expect(await purge({ queue: 'metrics-dead' })).toEqual({ keysDeleted: 0, fieldsDeleted: 0 });
  expect(await purge({ queue: 'metrics', before: '2026-03-02' })).toEqual({ keysDeleted: 2, fieldsDeleted: 2 });
  expect(await purge({})).toEqual({ keysDeleted: 5, fieldsDeleted: 5 });
  expect(await get('history/usage', {})).toMatchObject({ keys: 0, oldestDay: null, queues: [] });
});

test('the last minutes come newest first, with the running one beside them', async () => {
  const metrics = createMinuteMetrics({ db: api, clock });
  const completed = await metrics('metrics', 'completed');
  expect(completed).toMatchObject({ meta: { count: 4, prevTS: NOW, prevCount: 3 }, count: 60 });
  expect(completed.data.slice(0, 4)).toEqual([0, 3, 0, 0]);
  expect(await metrics('metrics', 'failed', 1, 2)).toEqual({
    meta: { count: 2, prevTS: NOW, prevCount: 2 },
    data: [2, 0],
    count: 3,
  });
  expect((await metrics('metrics-dead', 'failed')).data.slice(0, 2)).toEqual([0, 2]);
  expect((await metrics('metrics-dead', 'completed')).data).toEqual([]);
});
