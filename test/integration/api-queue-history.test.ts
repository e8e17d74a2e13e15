// /v1/queues/{queue}/history and /latency over a real server.

import { beforeEach, describe, expect, test } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { addHistoryBatch } from '../../queues/history-write.ts';
import { addDuration, emptyTally } from '../../queues/history.ts';
import { bearer, issueToken, startApi } from '../support/api.ts';
import { createTestDatabase } from '../support/postgres.ts';

const database = await createTestDatabase();
const db = database.open('tidemark_api');
const worker = database.open('tidemark_worker');
const token = await issueToken(db, ['read']);

const HOUR = '2026-03-01T12:00:00.000Z';
const MINUTE = Date.parse(HOUR) + 5 * MINUTE_MS;
const span = `from=2026-03-01T11:00:00Z&to=2026-03-01T12:59:00Z`;

beforeEach(async () => {
  await database.asSuperuser('delete from queue_history; delete from queue_history_writers');
  const tally = Object.assign(emptyTally('metrics', MINUTE), { completed: 3, failed: 1, retried: 2 });
  for (const ms of [100, 100, 100, 900]) addDuration(tally.run, ms);
  const earlier = Object.assign(emptyTally('webhooks', MINUTE - HOUR_MS), { completed: 1 });
  const batch = { writerId: '00000000-0000-4000-8000-000000000001', number: 1, minutes: [tally, earlier] };
  await addHistoryBatch(worker, batch, new Date(MINUTE));
});

async function get(path: string): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const { address } = await startApi(db);
  const response = await fetch(`${address}/v1/queues/${path}`, { headers: bearer(token) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('the history of a queue', () => {
  test('is told period by period, those in which nothing ended included', async () => {
    const none = { completed: 0, failed: 0, cancelled: 0, retried: 0, oldestReadyMs: 0 };
    expect(await get(`metrics/history?${span}&granularity=hour`)).toEqual({
      status: 200,
      body: {
        queue: 'metrics',
        granularity: 'hour',
        items: [
          { ...none, start: '2026-03-01T11:00:00.000Z' },
          { ...none, start: HOUR, completed: 3, failed: 1, retried: 2 },
        ],
      },
    });
  });

  test('tells percentiles of how long jobs ran, and nothing of what nobody measured', async () => {
    const { body } = await get(`metrics/latency?${span}`);
    expect(body['items']).toEqual([
      {
        start: HOUR,
        count: 4,
        meanMs: 300,
        minMs: 100,
        maxMs: 900,
        p50Ms: expect.any(Number) as number,
        p95Ms: 900,
        p99Ms: 900,
      },
    ]);
    expect((await get(`metrics/latency?${span}&metric=wait`)).body['items']).toEqual([]);
  });

  test.each([
    ['metrics-dead/history', 404, 'not_found'],
    ['nothing/latency', 404, 'not_found'],
    ['metrics/history?granularity=year', 400, 'input.invalid'],
    ['metrics/history?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z', 400, 'input.invalid'],
    ['metrics/latency?metric=sleep', 400, 'input.invalid'],
  ])('%s is answered with %i', async (path, status, code) => {
    expect(await get(path)).toMatchObject({ status, body: { code } });
  });
});
