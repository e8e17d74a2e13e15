// Real workers that sync accounts and end: what the history says of them afterwards is what the runs say.

import { expect, test } from 'vitest';
import { DAY_MS } from '../../src/core/duration.ts';
import { readLatency } from '../../queues/history-latency.ts';
import { endsOf } from '../support/history.ts';
import { createKillWorld } from '../support/kill-world.ts';

const world = await createKillWorld({ postings: 50, proposals: 5 });
const api = world.database.open('tidemark_api');

test('every run that ended is in the history after its worker has gone, and after the next', async () => {
  for (const workers of [1, 2]) {
    await world.connect();
    const worker = world.startWorker();
    await world.settled();
    expect(await worker.stop()).toEqual([0, null]);
    const [ended] = await world.database.asSuperuser<{ runs: number }>(
      'select count(*)::int as runs from sync_logs where completed_at is not null',
    );
    expect(ended?.runs).toBeGreaterThanOrEqual(workers * 3);
    expect(await endsOf(api, 'sync-upwork')).toEqual({ completed: ended!.runs, failed: 0, cancelled: 0, retried: 0 });
    const to = new Date();
    const span = { queues: ['sync-upwork'], from: new Date(to.getTime() - DAY_MS), to, granularity: 'day' } as const;
    const [latency] = await readLatency(api, { ...span, metric: 'run', percentiles: [50, 99], merged: true });
    expect(latency).toMatchObject({ count: ended!.runs });
    expect(latency!.values[1]).toBeLessThanOrEqual(latency!.maxMs);
  }
}, 60_000);
