import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import type { Database, TxScope } from '../../src/db/database.ts';
import { cancelJob } from '../../src/scheduler/cancel-job.ts';
import { triggerSync, type TriggerDeps, type TriggerRequest } from '../../src/scheduler/trigger.ts';
import { pauseIntegration, setIntegrationStatus, type Integration } from '../../src/store/integrations.ts';
import { cancelRun, findJobOfRun } from '../../src/store/runs.ts';
import { findRun, listRuns } from '../../src/store/run-views.ts';
import { disableStream } from '../../src/store/streams.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { arrangeIntegration, createLedgerQueue, createTestClock, type TestClock } from '../support/scheduling.ts';

let pg: TestDatabase;
let api: Database;
let clock: TestClock;
let deps: TriggerDeps & { queue: ReturnType<typeof createLedgerQueue> };
let integration: Integration;
let request: TriggerRequest;
let scope: TxScope;

beforeAll(async () => {
  pg = await createTestDatabase();
  api = pg.open('tidemark_api', 10);
});

beforeEach(async () => {
  await pg.asSuperuser('delete from users; delete from job_ledger');
  clock = createTestClock('2026-05-04T10:00:00Z');
  deps = { db: api, queue: createLedgerQueue(api, clock), clock };
  integration = await arrangeIntegration(api, {
    now: clock.now(),
    streams: [
      { name: 'jobs', intervalMinutes: 60 },
      { name: 'profile', intervalMinutes: 60 },
    ],
  });
  scope = { kind: 'user', userId: integration.userId };
  request = { scope, integrationId: integration.id, trigger: 'api' };
});

const runs = () => api.tx({ kind: 'ops' }, (tx) => listRuns(tx, { limit: 1_000 }));
const start = () =>
  pg.asSuperuser(`update sync_logs set status = 'running', started_at = now() where status = 'queued'`);

describe('a trigger', () => {
  it('begins one run per stream, in one batch, ahead of the schedule', async () => {
    const { batchId, runs: triggered } = await triggerSync(deps, request);
    expect(triggered.map(({ stream, coalesced }) => [stream, coalesced])).toEqual([
      ['jobs', false],
      ['profile', false],
    ]);
    for (const run of await runs())
      expect(run).toMatchObject({
        batchId,
        status: 'queued',
        workClass: 'interactive',
        trigger: 'api',
        syncType: 'full',
      });
    expect(deps.queue.count).toBe(2);
  });

  it('while the run waits in the queue folds into it', async () => {
    const [first] = (
      await triggerSync(deps, { ...request, stream: 'jobs', workClass: 'backfill', syncType: 'incremental' })
    ).runs;
    const [second] = (await triggerSync(deps, { ...request, stream: 'jobs', syncType: 'full' })).runs;
    expect(second).toEqual({ stream: 'jobs', runId: first!.runId, coalesced: true });
    expect((await runs())[0]).toMatchObject({ workClass: 'interactive', syncType: 'full' });
    expect(await pg.asSuperuser('select class from job_ledger')).toEqual([{ class: 0 }]);
  });

  it('during a run creates, then finds, the one pending run', async () => {
    await triggerSync(deps, { ...request, stream: 'jobs' });
    await start();
    const [second] = (await triggerSync(deps, { ...request, stream: 'jobs' })).runs;
    const [third] = (await triggerSync(deps, { ...request, stream: 'jobs' })).runs;
    expect(second!.coalesced).toBe(true);
    expect(third).toEqual(second);
    expect((await runs()).map(({ status }) => status).sort()).toEqual(['pending', 'running']);
    expect(deps.queue.count).toBe(1);
  });

  it('a hundred at once make one run', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, () => triggerSync(deps, { ...request, stream: 'jobs' })));
    const ids = all.flatMap(({ runs: triggered }) => triggered.map(({ runId }) => runId));
    expect(new Set(ids).size).toBe(1);
    expect(all.filter(({ runs: [run] }) => !run!.coalesced)).toHaveLength(1);
    expect(deps.queue.count).toBe(1);
  });

  it("of another user's integration finds nothing", async () => {
    const other = await arrangeIntegration(api, { now: clock.now() });
    await expect(
      triggerSync(deps, { ...request, scope: { kind: 'user', userId: other.userId } }),
    ).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(triggerSync(deps, { ...request, scope: { kind: 'ops' } })).resolves.toBeDefined();
  });

  it('of what cannot run says why', async () => {
    const refusal = (change: Partial<TriggerRequest>) =>
      triggerSync(deps, { ...request, ...change }).then(
        () => 'accepted',
        ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
      );
    expect(await refusal({ integrationId: uuidv7() })).toMatch(/^not_found: expected an existing integration/);
    expect(await refusal({ stream: 'nope' })).toMatch(/^not_found: expected a stream/);
    await api.tx(scope, (tx) => disableStream(tx, { integrationId: integration.id, stream: 'jobs' }, clock.now()));
    expect(await refusal({ stream: 'jobs' })).toMatch(/^input.invalid: .*jobs \(disabled\)/);
    await api.tx(scope, (tx) => pauseIntegration(tx, integration.id, clock.now()));
    expect(await refusal({})).toMatch(/^input.invalid: .*not paused/);
    await pg.asSuperuser('update integrations set paused_at = null');
    await api.tx(scope, (tx) =>
      setIntegrationStatus(tx, { id: integration.id, status: 'disconnected', now: clock.now() }),
    );
    expect(await refusal({})).toMatch(/^input.invalid: .*disconnected/);
  });
});

describe('cancelling a run', () => {
  it('ends one that nobody works on and leaves a running one to its job', async () => {
    const [run] = (await triggerSync(deps, { ...request, stream: 'jobs' })).runs;
    await start();
    expect(
      await api.tx(scope, (tx) => cancelRun(tx, { runId: run!.runId, userId: integration.userId }, clock.now())),
    ).toBe(false);
    expect(await api.tx(scope, (tx) => findJobOfRun(tx, run!.runId))).not.toBeNull();
    const [next] = (await triggerSync(deps, { ...request, stream: 'jobs' })).runs;
    expect(
      await api.tx(scope, (tx) => cancelRun(tx, { runId: next!.runId, userId: integration.userId }, clock.now())),
    ).toBe(true);
    expect(await api.tx(scope, (tx) => findRun(tx, next!.runId))).toMatchObject({ status: 'cancelled' });
  });

  it('together with its job, so that nothing brings it back', async () => {
    const [run] = (await triggerSync(deps, { ...request, stream: 'jobs' })).runs;
    const [job] = await pg.asSuperuser<{ id: string }>('select id from job_ledger');
    const queue = {
      cancel: async (id: string) =>
        (await pg.asSuperuser('delete from job_ledger where id = $1 returning id', [id])).length === 1,
    };
    expect(await cancelJob({ db: api, queue, clock }, job!.id)).toBe(true);
    expect(await api.tx(scope, (tx) => findRun(tx, run!.runId))).toMatchObject({ status: 'cancelled' });
  });
});
