import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { upwork } from '../../src/connectors/upwork/index.ts';
import type { JobContext } from '../../queues/port.ts';
import { refreshCredential } from '../../src/sync/refresh.ts';
import { createCredentialRefreshHandler } from '../../workers/credential-refresh.ts';
import { createUpworkSimulator, type UpworkSimulator } from '../simulators/upwork/simulator.ts';
import { createRefreshWorld, type Connected, type RefreshWorld, type RefreshWorker } from '../support/refresh-world.ts';

const HOUR_MS = 3_600_000;

let world: RefreshWorld;
let sim: UpworkSimulator;

beforeAll(async () => {
  world = await createRefreshWorld();
});

beforeEach(async () => {
  sim = createUpworkSimulator({ tokens: { strictSingleUse: true } });
  await sim.start();
  onTestFinished(() => sim.stop());
});

const asked = (): number => sim.journal.countsByOperation()['token'] ?? 0;

/** The handler of `worker` at its job, as the consumer calls it. */
function handle({ deps, job, jobId }: RefreshWorker, { integrationId, userId }: Connected) {
  const handler = createCredentialRefreshHandler({
    ...deps,
    connectors: new Map([['upwork', upwork]]),
    httpFor: () => job.http,
  });
  const { signal, workerId } = job;
  const context: JobContext<'credential.refresh'> = {
    jobId,
    kind: 'credential.refresh',
    queue: 'credentials',
    payload: { integrationId },
    userId,
    workClass: 'incremental',
    attempt: 1,
    takeovers: 0,
    workerId,
    signal,
    draining: signal,
    log: deps.log,
    progress: () => undefined,
  };
  return handler(context);
}

test('a credential that is due is refreshed, once, and the lease is given back', async () => {
  const to = await world.connect(sim, HOUR_MS);
  const worker = await world.worker(sim, to);
  expect(await handle(worker, to)).toMatchObject({ kind: 'completed' });
  expect(await world.credential(to)).toMatchObject({ version: 2, refresh_intent_version: null });
  expect(await handle(worker, to)).toMatchObject({ kind: 'discard', reason: 'nothing to refresh' });
  expect(asked()).toBe(1);
  const leases = await world.database.asSuperuser('select 1 from tidemark_private.leases where worker_id = $1', [
    worker.job.workerId,
  ]);
  expect(leases).toEqual([]);
});

test('a fresh credential is left alone', async () => {
  const to = await world.connect(sim, 20 * HOUR_MS);
  expect(await handle(await world.worker(sim, to), to)).toMatchObject({ kind: 'discard' });
  expect(asked()).toBe(0);
});

test('a job that another worker took over asks for nothing', async () => {
  const to = await world.connect(sim);
  const worker = await world.worker(sim, to);
  await world.reap(worker.job.workerId);
  expect(await handle(worker, to)).toMatchObject({ kind: 'discard' });
  expect(asked()).toBe(0);
});

test('a lease that is lost while the platform answers ends the job quietly and stores nothing', async () => {
  const to = await world.connect(sim);
  const worker = await world.worker(sim, to);
  const reaped = sim.journal
    .waitForRequest(({ operation }) => operation === 'token')
    .then(() => world.reap(worker.job.workerId));
  sim.faults.add({ match: { operation: 'token' }, fault: { kind: 'hold', until: reaped } });
  expect(await handle(worker, to)).toMatchObject({ kind: 'discard', reason: expect.stringContaining('lease') });
  expect(await world.credential(to)).toMatchObject({ version: 1, refresh_intent_version: 1 });
});

test('a dead grant parks the integration and says why', async () => {
  const to = await world.connect(sim);
  sim.oauth.revoke(to.added.account.id);
  expect(await handle(await world.worker(sim, to), to)).toMatchObject({ kind: 'completed' });
  const [row] = await world.database.asSuperuser('select status, status_code from integrations where id = $1', [
    to.integrationId,
  ]);
  expect(row).toEqual({ status: 'error', status_code: 'credential.grant_dead' });
});

test('whoever holds the lease is told of a token that is being spent', async () => {
  const to = await world.connect(sim);
  const worker = await world.worker(sim, to);
  const told: Promise<unknown>[] = [];
  const job = { ...worker.job, untilStored: (work: Promise<unknown>) => void told.push(work) };
  await refreshCredential(worker.deps, job, 1);
  expect(await Promise.all(told)).toMatchObject([{ version: 2 }]);
});
