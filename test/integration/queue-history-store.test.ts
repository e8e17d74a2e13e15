// The history of queues in Postgres: what is added once however often it is sent, what an absent database costs, what
// readers get, and what is forgotten.

import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { readLatency } from '../../queues/history-latency.ts';
import { readMinutes, readThroughput } from '../../queues/history-read.ts';
import { createHistoryRecorder } from '../../queues/history-recorder.ts';
import { pruneHistory, purgeHistory, readHistoryUsage } from '../../queues/history-upkeep.ts';
import { addHistoryBatch, addQueueAges } from '../../queues/history-write.ts';
import { emptyTally, addDuration, type Tally } from '../../queues/history.ts';
import { endsOf } from '../support/history.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createTestClock } from '../support/scheduling.ts';
import { waitFor } from '../support/wait.ts';

const database = await createTestDatabase();
const [worker, scheduler, api] = [
  database.open('tidemark_worker'),
  database.open('tidemark_scheduler'),
  database.open('tidemark_api'),
];
const NOW = new Date('2026-03-01T12:30:30Z');
const WRITER = '00000000-0000-4000-8000-000000000001';

beforeEach(async () => {
  await database.asSuperuser('delete from queue_history; delete from queue_history_writers');
});

interface Minute {
  readonly queue?: string;
  readonly at: string;
  readonly completed?: number;
  readonly failed?: number;
  readonly ranMs?: readonly number[];
}

function tallyOf({ queue = 'metrics', at, completed = 0, failed = 0, ranMs = [] }: Minute): Tally {
  const tally = emptyTally(queue, Math.floor(Date.parse(at) / MINUTE_MS) * MINUTE_MS);
  Object.assign(tally, { completed, failed });
  for (const ms of ranMs) addDuration(tally.run, ms);
  return tally;
}

let batches = 0;
const add = (...minutes: Minute[]): Promise<void> =>
  addHistoryBatch(worker, { writerId: WRITER, number: ++batches, minutes: minutes.map(tallyOf) }, NOW);

const recorderAt = (clock: Clock) => {
  const recorder = createHistoryRecorder({ db: worker, clock, log: silentLog });
  onTestFinished(() => recorder.stop());
  return recorder;
};

const countsOf = async (queues: readonly string[] | null, granularity: 'minute' | 'hour' | 'day') => {
  const points = await readThroughput(api, { queues, from: new Date('2026-02-28T00:00:00Z'), to: NOW, granularity });
  return points.map(({ start, completed, failed }) => [start.toISOString(), completed, failed]);
};

describe('adding', () => {
  test('a batch that comes again, because its answer was lost, adds nothing', async () => {
    const batch = { writerId: WRITER, number: ++batches, minutes: [tallyOf({ at: NOW.toISOString(), completed: 3 })] };
    await addHistoryBatch(worker, batch, NOW);
    await addHistoryBatch(worker, batch, NOW);
    await addHistoryBatch(worker, { ...batch, writerId: WRITER.replace('1', '2') }, NOW);
    expect(await countsOf(null, 'day')).toEqual([['2026-03-01T00:00:00.000Z', 6, 0]]);
  });

  test('many writers at once lose nothing and double nothing', async () => {
    const clock = createTestClock(NOW.toISOString());
    const recorders = Array.from({ length: 8 }, () => recorderAt(clock));
    for (let round = 0; round < 10; round++) {
      for (const recorder of recorders)
        for (const queue of ['metrics', 'maintenance', 'webhooks'])
          recorder.record(queue, 'completed', { waitedMs: 1, ranMs: 2 });
      clock.advance(MINUTE_MS / 2);
      await Promise.all(recorders.map((recorder) => recorder.flush()));
    }
    const span = { queues: null, from: NOW, to: clock.now(), granularity: 'hour' } as const;
    expect(await readLatency(api, { ...span, metric: 'run', percentiles: [50] })).toMatchObject([
      { count: 240, meanMs: 2, values: [2] },
    ]);
  });

  test('what ends while Postgres is away is counted when it is back', async () => {
    const recorder = recorderAt({ now: () => new Date(), mono: () => performance.now() });
    recorder.record('metrics', 'completed');
    await database.asSuperuser(`alter role tidemark_worker nologin`);
    onTestFinished(async () => void (await database.asSuperuser(`alter role tidemark_worker login`)));
    const away = `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and usename = 'tidemark_worker'`;
    await database.asSuperuser(away);
    await expect(recorder.flush()).rejects.toThrow();
    recorder.record('metrics', 'completed');
    recorder.record('metrics', 'failed');
    await expect(recorder.flush()).rejects.toThrow();
    await database.asSuperuser(`alter role tidemark_worker login`);
    recorder.record('metrics', 'completed');
    await recorder.flush();
    expect(await endsOf(api, 'metrics')).toEqual({ completed: 3, failed: 1, cancelled: 0, retried: 0 });
  });

  test('a recorder adds by itself, and what is left when it stops', async () => {
    const recorder = createHistoryRecorder({
      db: worker,
      clock: { now: () => new Date(), mono: () => performance.now() },
      log: silentLog,
      everyMs: 10,
    });
    await recorder.start();
    recorder.record('metrics', 'completed');
    await waitFor(async () => (await endsOf(api, 'metrics')).completed === 1, { what: 'the first to be added' });
    recorder.record('metrics', 'completed');
    await recorder.stop();
    await recorder.stop();
    expect((await endsOf(api, 'metrics')).completed).toBe(2);
  });

  test('days without a database fill a bounded memory, and no count is lost', async () => {
    const clock = createTestClock('2026-02-27T00:00:00Z');
    const recorder = recorderAt(clock);
    for (let minute = 0; minute < 3_000; minute++) {
      recorder.record('metrics', 'completed');
      clock.advance(MINUTE_MS);
    }
    await recorder.flush();
    const [{ rows } = { rows: 0 }] = await database.asSuperuser<{ rows: number }>(
      `select count(*)::int as rows from queue_history where period = 'minute'`,
    );
    expect(rows).toBe(2_000);
    expect((await countsOf(null, 'day')).reduce((sum, [, completed]) => sum + Number(completed), 0)).toBe(
      3_000 - 1_440,
    );
  });
});

describe('reading', () => {
  beforeEach(async () => {
    await add(
      { at: '2026-02-28T23:59:00Z', completed: 1 },
      { at: '2026-03-01T12:05:00Z', completed: 2, failed: 1 },
      { at: '2026-03-01T12:30:00Z', completed: 4 },
      { queue: 'webhooks', at: '2026-03-01T12:30:00Z', completed: 8 },
    );
  });

  test('the last minutes are zero where nothing ended', async () => {
    const minutes = await readMinutes(api, ['metrics'], 27, NOW);
    expect(minutes).toHaveLength(27);
    expect(minutes.map(({ completed }) => completed)).toEqual([0, 2, ...Array.from({ length: 24 }, () => 0), 4]);
    expect(minutes.at(-1)?.start).toEqual(new Date('2026-03-01T12:30:00Z'));
    expect((await readMinutes(api, null, 1, NOW)).map(({ completed }) => completed)).toEqual([12]);
  });

  test('hours and days begin with the first that anybody counted, and have no holes', async () => {
    const hours = await countsOf(['metrics'], 'hour');
    expect(hours).toHaveLength(14);
    expect([hours[0], hours[1], hours.at(-1)]).toEqual([
      ['2026-02-28T23:00:00.000Z', 1, 0],
      ['2026-03-01T00:00:00.000Z', 0, 0],
      ['2026-03-01T12:00:00.000Z', 6, 1],
    ]);
    expect(await countsOf(null, 'day')).toEqual([
      ['2026-02-28T00:00:00.000Z', 1, 0],
      ['2026-03-01T00:00:00.000Z', 14, 1],
    ]);
    await database.asSuperuser('delete from queue_history');
    expect(await countsOf(null, 'day')).toEqual([]);
  });

  test('an age keeps its worst, of a minute, an hour and all queues', async () => {
    await addQueueAges(scheduler, [{ queue: 'metrics', oldestReadyMs: 900 }], NOW);
    await addQueueAges(scheduler, [{ queue: 'metrics', oldestReadyMs: 100 }], NOW);
    await addQueueAges(scheduler, [{ queue: 'webhooks', oldestReadyMs: 2_000 }], new Date(NOW.getTime() - MINUTE_MS));
    const minutes = await readMinutes(api, null, 2, NOW);
    expect(minutes.map(({ oldestReadyMs }) => oldestReadyMs)).toEqual([2_000, 900]);
    const [hour] = await readThroughput(api, { queues: ['metrics'], from: NOW, to: NOW, granularity: 'hour' });
    expect(hour).toMatchObject({ completed: 6, oldestReadyMs: 900 });
  });

  test('percentiles are those of all times together, not of the hours', async () => {
    const quick = Array.from({ length: 99 }, () => 10);
    await add({ at: '2026-03-01T10:00:00Z', ranMs: quick }, { at: '2026-03-01T11:00:00Z', ranMs: [8_000] });
    const span = { queues: ['metrics'], from: new Date(NOW.getTime() - DAY_MS), to: NOW, granularity: 'hour' } as const;
    const percentiles = [0, 50, 99, 100];
    expect(await readLatency(api, { ...span, metric: 'run', percentiles, merged: true })).toEqual([
      {
        start: new Date('2026-02-28T12:00:00Z'),
        count: 100,
        meanMs: (990 + 8_000) / 100,
        minMs: 10,
        maxMs: 8_000,
        // The 99th is the last of its bucket, and said to lie at its bound.
        values: [10, 10, expect.closeTo(11.3, 1), 8_000],
      },
    ]);
    const hours = await readLatency(api, { ...span, metric: 'run', percentiles });
    expect(hours.map(({ count, values }) => [count, values[1]])).toEqual([
      [99, 10],
      [1, 8_000],
    ]);
    expect(await readLatency(api, { ...span, metric: 'wait', percentiles })).toEqual([]);
  });

  test('a stretch is cut to what is kept', async () => {
    const span = { queues: null, from: new Date(0), to: NOW } as const;
    await add({ at: '2025-12-02T12:00:00Z', completed: 1 }, { at: '2025-11-01T12:00:00Z', completed: 1 });
    const days = await readThroughput(api, { ...span, granularity: 'day' });
    expect(days).toHaveLength(91);
    expect(days.find(({ completed }) => completed > 0)?.start).toEqual(new Date('2025-12-02T00:00:00Z'));
    expect(await readThroughput(api, { ...span, granularity: 'minute' })).toHaveLength(3 * 1_440 + 1);
  });
});

describe('forgetting', () => {
  test('prunes minutes after 3 days and hours after 90, a bounded number at a time', async () => {
    const ago = (ms: number): string => new Date(NOW.getTime() - ms).toISOString();
    await add(
      { at: ago(0), completed: 1 },
      { at: ago(3 * DAY_MS + HOUR_MS), completed: 1 },
      { at: ago(4 * DAY_MS), completed: 1 },
      { at: ago(91 * DAY_MS), completed: 1 },
    );
    const left = async () => (await readHistoryUsage(api)).map(({ period, rows }) => [period, rows]);
    expect(await pruneHistory(scheduler, NOW, 2)).toBe(true);
    expect(await pruneHistory(scheduler, NOW, 2)).toBe(false);
    expect(await left()).toEqual([
      ['hour', 1],
      ['hour', 1],
      ['hour', 1],
      ['minute', 1],
    ]);
  });

  test('a person clears one queue, up to a day, or all of it', async () => {
    const two = { completed: 1, at: '2026-02-27T10:00:00Z' };
    await add(two, { completed: 1, at: '2026-02-28T10:00:00Z' }, { ...two, queue: 'webhooks' });
    const before = new Date('2026-02-28T00:00:00Z');
    expect(await purgeHistory(api, { queue: 'metrics', before, limit: 100 })).toBe(2);
    expect((await readHistoryUsage(api)).map(({ queue, day, rows }) => [queue, day, rows])).toEqual([
      ['metrics', '2026-02-28', 1],
      ['metrics', '2026-02-28', 1],
      ['webhooks', '2026-02-27', 1],
      ['webhooks', '2026-02-27', 1],
    ]);
    expect(await purgeHistory(api, { queue: null, before: null, limit: 3 })).toBe(3);
    expect(await purgeHistory(api, { queue: null, before: null, limit: 3 })).toBe(1);
    expect(await readHistoryUsage(api)).toEqual([]);
  });

  test('readers and other roles may do what they are for', async () => {
    const readonly = database.open('tidemark_readonly');
    await add({ at: NOW.toISOString(), completed: 1 });
    expect(await readMinutes(readonly, null, 1, NOW)).toMatchObject([{ completed: 1 }]);
    await expect(purgeHistory(readonly, { queue: null, before: null, limit: 1 })).rejects.toThrow();
    await expect(purgeHistory(worker, { queue: null, before: null, limit: 1 })).rejects.toThrow();
  });
});
