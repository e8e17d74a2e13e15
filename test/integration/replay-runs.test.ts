// Dead sync jobs and the runs that they stood for, with the engine behind them.

import { beforeAll, beforeEach, expect, test } from 'vitest';
import { createPgBossDriver } from '../../queues/drivers/pgboss/driver.ts';
import { installPgBoss } from '../../queues/drivers/pgboss/install.ts';
import type { EngineDriver } from '../../queues/driver.ts';
import { createJobQueue } from '../../queues/job-queue.ts';
import type { JobQueue } from '../../queues/port.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Database } from '../../src/db/database.ts';
import { backfillIn } from '../../src/scheduler/backfill.ts';
import { converge } from '../../src/scheduler/convergence.ts';
import { replayRuns } from '../../src/scheduler/replay-runs.ts';
import { triggerSync } from '../../src/scheduler/trigger.ts';
import { pauseIntegration, type Integration } from '../../src/store/integrations.ts';
import { findRun, listRuns, type Run } from '../../src/store/run-views.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { arrangeIntegration } from '../support/scheduling.ts';

let pg: TestDatabase;
let api: Database;
let scheduler: Database;
let driver: EngineDriver;
let queue: JobQueue;
let integration: Integration;

beforeAll(async () => {
  pg = await createTestDatabase();
  await installPgBoss(pg.urlOf('tidemark_owner'));
  api = pg.open('tidemark_api', 10);
  scheduler = pg.open('tidemark_scheduler');
  driver = createPgBossDriver({ db: api, log: silentLog });
  await driver.start();
  const fates = { 'sync.run': replayRuns({ clock: systemClock }) };
  queue = createJobQueue({ db: api, driver, clock: systemClock, log: silentLog, fates });
  return () => driver.stop();
});

beforeEach(async () => {
  await pg.asSuperuser('delete from users; delete from job_ledger');
  integration = await arrangeIntegration(api, { now: new Date() });
});

const OPS = { kind: 'ops' } as const;
const runOf = (id: string): Promise<Run | null> => api.tx(OPS, (tx) => findRun(tx, id));
const jobsOf = (runId: string) => queue.list({ payload: { runId } });

/** A run whose job is a dead letter: the run's id and the job's. */
async function deadRun(): Promise<{ readonly runId: string; readonly jobId: string }> {
  const request = {
    scope: OPS,
    integrationId: integration.id,
    stream: 'jobs',
    trigger: 'api',
    syncType: 'full',
  } as const;
  const { runs } = await triggerSync({ db: api, queue, clock: systemClock }, request);
  const { runId } = runs[0]!;
  return { runId, jobId: await killJob(runId) };
}

/** The run's job is a dead letter. */
async function killJob(runId: string): Promise<string> {
  const [job] = await jobsOf(runId);
  await pg.asSuperuser(
    `update job_ledger set state = 'dead', settled_at = now(), last_error = '{"code": "internal"}' where id = $1`,
    [job!.id],
  );
  return job!.id;
}

const fail = async (): Promise<void> => {
  const deps = { db: scheduler, queue, clock: systemClock, log: silentLog };
  await converge({ ...deps, graceMs: -1_000 });
};

test('a dead sync whose run was failed begins a new run of its stream, and the dead letter is done with', async () => {
  const { runId, jobId } = await deadRun();
  await fail();
  expect((await runOf(runId))?.status).toBe('failed');
  expect(await queue.retry(jobId)).toBe(true);
  const runs = await api.tx(OPS, (tx) => listRuns(tx, { integrationId: integration.id }));
  expect(runs.map(({ status }) => status)).toEqual(['queued', 'failed']);
  expect(runs[0]).toMatchObject({ stream: 'jobs', syncType: 'full', trigger: 'manual', workClass: 'interactive' });
  expect(await jobsOf(runs[0]!.id)).toMatchObject([{ state: 'waiting' }]);
  expect((await queue.list({ states: ['dead'] })).length).toBe(0);
  expect(await queue.retry(jobId)).toBe(false);
});

test('a dead backfill that was failed is replayed as a new one with the same window', async () => {
  const window = { from: new Date('2026-01-01'), to: new Date('2026-01-05') };
  const request = { integrationId: integration.id, stream: 'jobs', trigger: 'api', ...window } as const;
  const { runId } = await api.tx(OPS, (tx) => backfillIn(tx, { queue, clock: systemClock }, request));
  const jobId = await killJob(runId);
  await fail();
  expect(await queue.retry(jobId)).toBe(true);
  const runs = await api.tx(OPS, (tx) => listRuns(tx, { integrationId: integration.id, statuses: ['queued'] }));
  expect(runs).toMatchObject([{ syncType: 'backfill', workClass: 'backfill', window }]);
  expect(runs[0]!.id).not.toBe(runId);
});

test('several dead syncs of one stream fold into one new run', async () => {
  await deadRun();
  await fail();
  await deadRun();
  await fail();
  expect(await queue.previewReplay({ kind: 'sync.run' })).toMatchObject({ total: 2, blocked: 0 });
  expect(await queue.replay({ kind: 'sync.run' })).toEqual({ replayed: 2, left: 0 });
  const runs = await api.tx(OPS, (tx) =>
    listRuns(tx, { integrationId: integration.id, statuses: ['queued', 'pending'] }),
  );
  expect(runs).toHaveLength(1);
});

test('a dead sync whose run has not been failed yet runs again itself', async () => {
  const { runId, jobId } = await deadRun();
  expect(await queue.replay({ ids: [jobId] })).toEqual({ replayed: 1, left: 0 });
  expect(await jobsOf(runId)).toMatchObject([{ id: jobId, state: 'waiting', attempts: 0 }]);
  await fail();
  expect((await runOf(runId))?.status).toBe('queued');
  expect(await driver.missing([{ id: jobId, queue: 'sync-upwork' }])).toEqual([]);
});

test('a stream that cannot run keeps its dead letter, and others are not held up', async () => {
  const { jobId } = await deadRun();
  await fail();
  await api.tx(OPS, (tx) => pauseIntegration(tx, integration.id, new Date()));
  integration = await arrangeIntegration(api, { now: new Date() });
  await deadRun();
  await fail();
  expect(await queue.replay({})).toEqual({ replayed: 1, left: 1 });
  expect((await queue.list({ states: ['dead'] })).map(({ id }) => id)).toEqual([jobId]);
});

test('a dead sync whose run is gone, or names none, stays', async () => {
  const { runId, jobId } = await deadRun();
  await pg.asSuperuser('delete from sync_logs where id = $1', [runId]);
  expect(await queue.retry(jobId)).toBe(false);
  await pg.asSuperuser(`update job_ledger set payload = '{"runId": "x"}' where id = $1`, [jobId]);
  expect(await queue.retry(jobId)).toBe(false);
  expect((await queue.get(jobId))?.state).toBe('dead');
});
