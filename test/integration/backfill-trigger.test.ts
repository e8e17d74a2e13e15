// How backfills are asked for: when one begins, folds into another or waits, and that usual runs do not notice.

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { backfillIn, type BackfillRequest, type TriggeredBackfill } from '../../src/scheduler/backfill.ts';
import { claimDue } from '../../src/scheduler/claim-due.ts';
import { triggerSync } from '../../src/scheduler/trigger.ts';
import { findJobOfStream } from '../../src/store/stream-schedules.ts';
import { findRun, listRuns } from '../../src/store/run-views.ts';
import { disableStream } from '../../src/store/streams.ts';
import { pauseIntegration, type Integration } from '../../src/store/integrations.ts';
import { promoteStrandedRuns } from '../../src/store/stray-runs.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { arrangeIntegration, createLedgerQueue, createTestClock, type TestClock } from '../support/scheduling.ts';

const OPS = { kind: 'ops' } as const;
const day = (n: number): Date => new Date(Date.UTC(2026, 0, n));

let pg: TestDatabase;
let api: Database;
let scheduler: Database;
let clock: TestClock;
let queue: ReturnType<typeof createLedgerQueue>;
let integration: Integration;

beforeAll(async () => {
  pg = await createTestDatabase();
  api = pg.open('tidemark_api', 10);
  scheduler = pg.open('tidemark_scheduler');
});
beforeEach(async () => {
  await pg.asSuperuser('delete from users; delete from job_ledger');
  clock = createTestClock('2026-05-04T10:00:00Z');
  queue = createLedgerQueue(api, clock);
  integration = await arrangeIntegration(api, { now: clock.now() });
});

function backfill(window: { from: Date; to: Date | null }, over: Partial<BackfillRequest> = {}) {
  const request = { integrationId: integration.id, stream: 'jobs', trigger: 'api', ...window, ...over } as const;
  return api.tx(OPS, (tx) => backfillIn(tx, { queue, clock }, request));
}
const sync = () =>
  triggerSync({ db: api, queue, clock }, { scope: OPS, integrationId: integration.id, trigger: 'api' });
const runs = () => api.tx(OPS, (tx) => listRuns(tx));
const run = ({ runId }: TriggeredBackfill) => api.tx(OPS, (tx) => findRun(tx, runId));
const start = (runId: string) =>
  pg.asSuperuser(`update sync_logs set status = 'running', started_at = now() where id = $1`, [runId]);

test('a backfill is a run with a window and a job of its class', async () => {
  const begun = await backfill({ from: day(1), to: day(5) });
  expect(begun).toMatchObject({ stream: 'jobs', coalesced: false });
  expect(await run(begun)).toMatchObject({
    syncType: 'backfill',
    status: 'queued',
    workClass: 'backfill',
    batchId: begun.batchId,
    window: { from: day(1), to: day(5) },
  });
  expect(await pg.asSuperuser('select kind, class from job_ledger')).toEqual([{ kind: 'sync.run', class: 2 }]);
});

describe('while another one has not begun', () => {
  test.for([
    ['overlaps', { from: day(3), to: day(9) }, { from: day(1), to: day(9) }],
    ['follows', { from: day(5), to: null }, { from: day(1), to: null }],
    ['lies inside', { from: day(2), to: day(3) }, { from: day(1), to: day(5) }],
    ['comes before', { from: new Date('2025-12-30'), to: day(1) }, { from: new Date('2025-12-30'), to: day(5) }],
  ] as const)('a window that %s widens it', async ([, window, both]) => {
    const first = await backfill({ from: day(1), to: day(5) });
    expect(await backfill(window)).toMatchObject({ runId: first.runId, coalesced: true });
    expect(await run(first)).toMatchObject({ window: both });
    expect(await runs()).toHaveLength(1);
  });

  test('a window apart from it waits, and a third one is refused', async () => {
    const first = await backfill({ from: day(1), to: day(5) });
    const second = await backfill({ from: day(10), to: day(12) });
    expect(second).toMatchObject({ coalesced: true });
    expect(await run(second)).toMatchObject({ status: 'pending', window: { from: day(10), to: day(12) } });
    await expect(backfill({ from: day(20), to: day(21) })).rejects.toMatchObject({ code: 'api.conflict' });
    expect(await run(first)).toMatchObject({ status: 'queued', window: { from: day(1), to: day(5) } });
    expect(queue.count).toBe(1);
  });
});

test('one that has begun keeps its window, and the next one follows it', async () => {
  const first = await backfill({ from: day(1), to: day(5) });
  await start(first.runId);
  const second = await backfill({ from: day(2), to: day(6) });
  expect(second.runId).not.toBe(first.runId);
  expect(await run(first)).toMatchObject({ window: { from: day(1), to: day(5) } });
  await pg.asSuperuser(`update sync_logs set status = 'waiting' where id = $1`, [first.runId]);
  expect(await backfill({ from: day(6), to: day(7) })).toMatchObject({ runId: second.runId });
  expect(await run(second)).toMatchObject({ status: 'pending', window: { from: day(2), to: day(7) } });
});

test('twenty at once make one run of the whole window', async () => {
  const begun = await Promise.all(
    Array.from({ length: 20 }, (_, n) => backfill({ from: day(n + 1), to: day(n + 2) })).map((each) =>
      each.catch((error: { code: string }) => error.code),
    ),
  );
  const active = (await runs()).filter(({ status }) => status === 'queued');
  expect(active).toHaveLength(1);
  expect(begun.filter((each) => typeof each === 'string').every((code) => code === 'api.conflict')).toBe(true);
  expect(queue.count).toBe(1);
});

describe('usual runs', () => {
  test('neither fold into a backfill nor wait for it', async () => {
    const begun = await backfill({ from: day(1), to: day(5) });
    const { runs: triggered } = await sync();
    expect(triggered).toMatchObject([{ coalesced: false }]);
    await start(begun.runId);
    expect((await sync()).runs).toMatchObject([{ runId: triggered[0]!.runId, coalesced: true }]);
    expect(await run(begun)).toMatchObject({ syncType: 'backfill' });
    const job = await api.tx(OPS, (tx) => findJobOfStream(tx, { integrationId: integration.id, stream: 'jobs' }));
    const [{ unique_key } = {}] = await pg.asSuperuser('select unique_key from job_ledger where id = $1', [job]);
    expect(unique_key).toBe(triggered[0]!.runId);
  });

  test('are queued by the scheduler while a backfill is on its way', async () => {
    await start((await backfill({ from: day(1), to: day(5) })).runId);
    const deps = { db: scheduler, queue: createLedgerQueue(scheduler, clock), clock, log: silentLog };
    expect(await claimDue(deps, new AbortController().signal)).toEqual({ due: 1, queued: 1, pending: 0 });
  });

  test('that end do not hold a pending backfill back: it is found and queued', async () => {
    const first = await backfill({ from: day(1), to: day(5) });
    const second = await backfill({ from: day(10), to: day(12) });
    await sync();
    expect(await scheduler.tx({ kind: 'none' }, (tx) => promoteStrandedRuns(tx))).toEqual([]);
    await pg.asSuperuser(`update sync_logs set status = 'failed', completed_at = now() where id = $1`, [first.runId]);
    expect(await scheduler.tx({ kind: 'none' }, (tx) => promoteStrandedRuns(tx))).toMatchObject([
      { runId: second.runId, workClass: 'backfill' },
    ]);
  });
});

test.for([
  ['begins in the future', { from: new Date('2026-06-01'), to: null }],
  ['ends before it begins', { from: day(5), to: day(1) }],
  ['is empty', { from: day(5), to: day(5) }],
] as const)('a window that %s is refused', async ([, window]) => {
  await expect(backfill(window)).rejects.toMatchObject({ code: 'input.invalid' });
  expect(await runs()).toEqual([]);
});

test('a stream that cannot run gets no backfill', async () => {
  const window = { from: day(1), to: day(5) };
  await expect(backfill(window, { stream: 'nothing' })).rejects.toMatchObject({ code: 'not_found' });
  await api.tx(OPS, (tx) => disableStream(tx, { integrationId: integration.id, stream: 'jobs' }, clock.now()));
  await expect(backfill(window)).rejects.toMatchObject({ code: 'input.invalid' });
  await api.tx(OPS, (tx) => pauseIntegration(tx, integration.id, clock.now()));
  await expect(backfill(window)).rejects.toMatchObject({ code: 'input.invalid' });
  expect(await runs()).toEqual([]);
});
