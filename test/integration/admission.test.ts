import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createAdmission, type Admission } from '../../queues/admission.ts';
import type { EngineDriver } from '../../queues/driver.ts';
import { createPgBossDriver } from '../../queues/drivers/pgboss/driver.ts';
import { installPgBoss } from '../../queues/drivers/pgboss/install.ts';
import { createJobQueue } from '../../queues/job-queue.ts';
import type { JobQueue, JobRequest } from '../../queues/port.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let driver: EngineDriver;
let queue: JobQueue;
let admission: Admission;

beforeAll(async () => {
  database = await createTestDatabase();
  await installPgBoss(database.urlOf('tidemark_owner'));
  const db = database.open('tidemark_scheduler', 5);
  driver = createPgBossDriver({ db, log: silentLog });
  await driver.start();
  const deps = { db, driver, clock: systemClock, log: silentLog };
  queue = createJobQueue(deps);
  admission = createAdmission(deps);
  return () => driver.stop();
});

beforeEach(async () => {
  await database.asSuperuser('delete from job_ledger');
  await database.asSuperuser('delete from fair_shares');
  await database.asSuperuser('delete from pgboss.job');
});

const job = (userId: string, more: Partial<JobRequest> = {}): JobRequest => ({
  kind: 'credential.refresh',
  payload: { integrationId: randomUUID() },
  userId,
  ...more,
});

/** Makes all that the engine holds wait in front of it again, as after a restart with an empty engine. */
async function outOfEngine(): Promise<void> {
  await database.asSuperuser(`update job_ledger set state = 'pending', admitted_at = null`);
  await database.asSuperuser('delete from pgboss.job');
}

async function engineOrder(limit: number): Promise<string[]> {
  const claims = await driver.claim({ workerId: randomUUID(), queues: [{ name: 'maintenance', limit }], limit });
  const owners = await database.asSuperuser<{ id: string; user_id: string }>('select id, user_id from job_ledger');
  const byId = new Map(owners.map(({ id, user_id }) => [id, user_id]));
  return claims.map(({ id }) => byId.get(id)!);
}

test('a user with a thousand jobs does not stand before users with one', async () => {
  const noisy = randomUUID();
  await queue.enqueueMany(Array.from({ length: 1_000 }, () => job(noisy)));
  const quiet = Array.from({ length: 99 }, () => randomUUID());
  await queue.enqueueMany(quiet.map((userId) => job(userId)));
  const order = await engineOrder(200);
  expect(order).toHaveLength(20 + 99);
  expect(new Set(order.slice(20))).toEqual(new Set(quiet));
});

test('users who wait are served in turn, by weight', async () => {
  const [one, two] = [randomUUID(), randomUUID()];
  await database.asSuperuser('insert into fair_shares (user_id, weight) values ($1, 1), ($2, 3)', [one, two]);
  await queue.enqueueMany(Array.from({ length: 80 }, () => job(one)));
  await queue.enqueueMany(Array.from({ length: 80 }, () => job(two)));
  await database.asSuperuser(`delete from job_ledger where state = 'admitted'`);
  await database.asSuperuser('delete from pgboss.job');
  await admission.admitDue();
  const order = await engineOrder(16);
  expect(order.filter((userId) => userId === two)).toHaveLength(12);
});

test('a user of more weight holds more places in the engine', async () => {
  const [one, two] = [randomUUID(), randomUUID()];
  await database.asSuperuser('insert into fair_shares (user_id, weight) values ($1, 1), ($2, 3)', [one, two]);
  await queue.enqueueMany([one, two].flatMap((userId) => Array.from({ length: 80 }, () => job(userId))));
  const order = await engineOrder(200);
  expect(order.filter((userId) => userId === one)).toHaveLength(20);
  expect(order.filter((userId) => userId === two)).toHaveLength(60);
});

test('classes enter strictly in order', async () => {
  const users = Array.from({ length: 3 }, () => randomUUID());
  await queue.enqueueMany([
    job(users[0]!, { workClass: 'backfill' }),
    job(users[1]!, { workClass: 'incremental' }),
    job(users[2]!, { workClass: 'interactive' }),
  ]);
  await outOfEngine();
  await admission.admitDue();
  expect(await engineOrder(3)).toEqual([users[2], users[1], users[0]]);
});

test('interactive work of a user overtakes the same user’s backlog', async () => {
  const userId = randomUUID();
  await queue.enqueueMany(Array.from({ length: 25 }, () => job(userId, { workClass: 'backfill' })));
  await database.asSuperuser(
    `delete from job_ledger where id in (select id from job_ledger where state = 'admitted' limit 5)`,
  );
  const { jobId } = await queue.enqueue(job(userId, { workClass: 'interactive' }) as JobRequest<'credential.refresh'>);
  expect(await driver.missing([{ id: jobId, queue: 'maintenance' }])).toEqual([]);
});

test('several admitters admit each job once and keep near the bound', async () => {
  const users = Array.from({ length: 50 }, () => randomUUID());
  await queue.enqueueMany(users.flatMap((userId) => Array.from({ length: 30 }, () => job(userId))));
  await outOfEngine();
  const admitted = await Promise.all(Array.from({ length: 4 }, () => admission.admitDue()));
  const [row] = await database.asSuperuser<{ ledger: number; engine: number }>(
    `select (select count(*)::int from job_ledger where state = 'admitted') as ledger,
            (select count(*)::int from pgboss.job where state = 'created') as engine`,
  );
  const total = admitted.reduce((sum, count) => sum + count, 0);
  expect(row).toEqual({ ledger: total, engine: total });
  expect(total).toBeGreaterThanOrEqual(50 * 20);
});

test('twenty thousand jobs of two thousand users are admitted in one pass', async () => {
  await database.asSuperuser(
    `insert into job_ledger (id, kind, queue, payload, user_id, fair_tag, run_at, max_attempts, created_at)
     select gen_random_uuid(), 'credential.refresh', 'maintenance', '{}', md5((i % 2000)::text)::uuid, i / 2000, now(), 5, now()
     from generate_series(1, 20000) i`,
  );
  await database.asSuperuser('analyze job_ledger');
  expect(await admission.admitDue()).toBe(20_000);
}, 120_000);

test('a pass ends when somebody else has locked all that waits', async () => {
  await queue.enqueueMany(Array.from({ length: 1_000 }, () => job(randomUUID())));
  await outOfEngine();
  const held = await database.open('tidemark_scheduler', 1).tx({ kind: 'none' }, async (tx) => {
    await tx.query(`select from job_ledger where state = 'pending' for update`);
    return await admission.admitDue();
  });
  expect(held).toBe(0);
  expect(await admission.admitDue()).toBe(1_000);
});
