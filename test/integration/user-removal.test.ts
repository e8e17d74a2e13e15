// Removing a person leaves nothing of him in any table, in the ledger or in the engine, and everybody else as he was.

import { afterAll, expect, test } from 'vitest';
import { deferred } from '../../src/core/async.ts';
import { systemClock } from '../../src/core/clock.ts';
import { removeUser, type RemovalDeps } from '../../src/ops/remove-user.ts';
import { countRowsOfUser } from '../../src/store/exports.ts';
import { vacuumSealed } from '../../src/store/credentials.ts';
import { removeUser as removeRows } from '../../src/store/users.ts';
import { done, harnessOn } from '../conformance/queue/harness.ts';
import { apiQueue } from '../support/api-client.ts';
import { openPgBoss } from '../support/engines-under-test.ts';
import { TENANT_TABLES } from '../support/matrix.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createSyncWorld, listed, pageOf, type SyncWorld } from '../support/sync-world.ts';

const engine = await openPgBoss();
afterAll(() => engine.driver.stop());
const database = { ...engine, open: () => engine.databases.worker } as unknown as TestDatabase;
const queue = apiQueue(engine.databases.api, engine.driver);
const NEVER = new AbortController().signal;

const deps: RemovalDeps = {
  queue,
  clock: systemClock,
  inTx: (work) => engine.databases.api.tx({ kind: 'ops' }, work),
};

/** A user with something in as many tables as a sync fills, and jobs in every state. */
async function populated(): Promise<SyncWorld> {
  const world = await createSyncWorld(database, { worker: engine.databases.worker });
  await world.sync(listed([[{ id: 'a', amount: '1.5', sentAt: '2026-01-01T00:00:00Z' }, null, { id: 'b' }]]));
  await engine.asSuperuser(
    `insert into integration_credentials (integration_id, user_id, ciphertext, wrapped_key, key_id)
     values ($1, $2, 'sealed', 'key-of-the-record', '0123456789abcdef')`,
    [world.integrationId, world.userId],
  );
  await engine.asSuperuser(`delete from job_ledger where user_id = $1`, [world.userId]);
  const job = {
    kind: 'credential.test',
    payload: { integrationId: world.integrationId },
    userId: world.userId,
  } as const;
  await queue.enqueueMany([job, { ...job, runAt: new Date('2099-01-01T00:00:00Z') }]);
  const harness = harnessOn(engine);
  const ran = await harness.enqueue({ ...job, kind: 'credential.refresh' });
  const consumer = await harness.consume(done, { queues: ['maintenance'] });
  await harness.until(ran, 'completed');
  await consumer.stop();
  await engine.asSuperuser(
    `insert into job_logs (job_id, user_id, at, level, line) values ($1, $2, now(), 'info', 'said')`,
    [ran, world.userId],
  );
  await queue.enqueueMany([job, { ...job, runAt: new Date('2099-01-01T00:00:00Z') }]);
  return world;
}

async function rowsOf({ userId }: SyncWorld): Promise<string> {
  const rows = [];
  for (const table of [...Object.keys(TENANT_TABLES), 'fair_shares']) {
    const column = table === 'users' ? 'id' : 'user_id';
    rows.push([table, await engine.asSuperuser(`select * from ${table} where ${column} = $1 order by 1, 2`, [userId])]);
  }
  rows.push([
    'engine',
    await engine.asSuperuser('select id from pgboss.job where data::text like $1', [`%${userId}%`]),
  ]);
  return JSON.stringify(rows);
}

test('everything of him goes, tables, jobs and what they said, and nothing of anybody else', async () => {
  const [gone, stays] = [await populated(), await populated()];
  const [before, of] = [await rowsOf(stays), await rowsOf(gone)];
  expect(of).toContain(gone.integrationId);
  expect(await removeUser(deps, gone.userId, NEVER)).toBeGreaterThanOrEqual(3);
  const left = JSON.parse(await rowsOf(gone)) as [string, unknown[]][];
  expect(left.filter(([, rows]) => rows.length > 0)).toEqual([]);
  expect(await rowsOf(stays)).toBe(before);
  expect(await removeUser(deps, gone.userId, NEVER)).toBeNull();
  // The ids stay in the log of changes.
  const log = await engine.asSuperuser(`select action from audit_logs where target = $1 and action = 'users.delete'`, [
    `users/${gone.userId}`,
  ]);
  expect(log).toHaveLength(1);
});

test('his rows are counted for the report, and pages are cleared by the owner alone', async () => {
  const world = await populated();
  const own = await createTestDatabase();
  const counts = await engine.databases.api.tx({ kind: 'user', userId: world.userId }, (tx) =>
    countRowsOfUser(tx, world.userId),
  );
  expect(counts).toMatchObject({
    users: 1,
    integrations: 1,
    proposals: 2,
    job_ledger: expect.any(Number) as number,
    integration_credentials: 1,
  });
  expect(await vacuumSealed(own.open('tidemark_api', 1))).toBe(false);
  expect(await vacuumSealed(own.open('tidemark_owner', 1))).toBe(true);
});

test('a sync that was under way stores nothing more', async () => {
  const world = await createSyncWorld(database, { worker: engine.databases.worker });
  const [reached, wake] = [deferred(), deferred()];
  const runId = await world.addRun();
  const running = world.handler(async function* () {
    yield pageOf([{ id: 'before' }], 1);
    reached.resolve();
    await wake.promise;
    yield pageOf([{ id: 'after' }], 2);
  })(await world.claim(runId));
  await reached.promise;
  await deps.inTx((tx) => removeRows(tx, world.userId));
  wake.resolve();
  expect(
    await running.then(
      ({ kind }) => kind,
      () => 'thrown',
    ),
  ).toBe('discard');
  expect(await engine.asSuperuser('select from proposals where user_id = $1', [world.userId])).toEqual([]);
});

test('a job in a worker’s hand is told to stop, and he stays until it has', async () => {
  const world = await createSyncWorld(database, { worker: engine.databases.worker });
  const harness = harnessOn(engine);
  const request = { kind: 'credential.test', payload: { integrationId: world.integrationId }, userId: world.userId };
  const id = await harness.enqueue(request as never);
  const [started, stopped] = [deferred(), deferred()];
  await harness.consume(
    async (job) => {
      started.resolve();
      await new Promise((resolve) => job.signal.addEventListener('abort', resolve, { once: true }));
      await stopped.promise;
      return await done(job);
    },
    { queues: ['maintenance'] },
  );
  await started.promise;
  const impatient = { ...deps, clock: { now: systemClock.now, mono: () => systemClock.mono() * 1_000 } };
  await expect(removeUser(impatient, world.userId, NEVER)).rejects.toMatchObject({ code: 'queue.job_active' });
  expect(await engine.asSuperuser('select is_active from users where id = $1', [world.userId])).toEqual([
    { is_active: false },
  ]);
  stopped.resolve();
  expect(await removeUser(deps, world.userId, NEVER)).not.toBeNull();
  expect(await queue.get(id)).toBeNull();
});
