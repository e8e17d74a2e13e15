// What pg-boss does on its own account, and that none of it reaches our jobs: expiry, retention, lost connections.

import { beforeAll, beforeEach, expect, test } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { createPgBossDriver } from '../../queues/drivers/pgboss/driver.ts';
import { createPgBoss } from '../../queues/drivers/pgboss/engine.ts';
import { installPgBoss } from '../../queues/drivers/pgboss/install.ts';
import { completed } from '../../queues/outcome.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { eventually, harnessOn, recordLog, type Harness } from '../conformance/queue/harness.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let h: Harness;

async function openHarness(): Promise<Harness> {
  const worker = database.open('tidemark_worker', 10);
  const driver = createPgBossDriver({
    db: worker,
    directUrl: new Secret(database.urlOf('tidemark_worker')),
    log: silentLog,
  });
  await driver.start();
  return harnessOn({
    driver,
    databases: { api: database.open('tidemark_api'), scheduler: database.open('tidemark_scheduler'), worker },
    asSuperuser: (text, values) => database.asSuperuser(text, values),
    lose: async (id) => void (await database.asSuperuser('delete from pgboss.job where id = $1', [id])),
  });
}

/** pg-boss's maintenance as the scheduler runs it. */
async function maintain(): Promise<void> {
  const log = recordLog();
  const boss = createPgBoss({ db: h.databases.scheduler, supervise: true, log });
  await boss.start();
  await database.asSuperuser('update pgboss.queue set monitor_on = null, monitor_claim_on = null, maintain_on = null');
  await boss.supervise();
  await boss.stop({ graceful: false });
  expect(log.events.filter(({ event }) => event === 'loop.failed')).toEqual([]);
}

beforeAll(async () => {
  database = await createTestDatabase();
  await installPgBoss(database.urlOf('tidemark_owner'));
  h = await openHarness();
  return () => h.driver.stop();
});

beforeEach(async () => {
  await database.asSuperuser('delete from job_ledger');
  await database.asSuperuser('delete from pgboss.job');
});

test('installing again changes nothing', async () => {
  await installPgBoss(database.urlOf('tidemark_owner'));
  const queues = await database.asSuperuser<{ name: string; retry_limit: number }>(
    'select name, retry_limit from pgboss.queue',
  );
  expect(queues).toHaveLength(16);
  expect(new Set(queues.map(({ retry_limit }) => retry_limit))).toEqual(new Set([0]));
});

test('without the schema the driver says what to do', async () => {
  const empty = await createTestDatabase();
  const driver = createPgBossDriver({ db: empty.open('tidemark_worker'), log: silentLog });
  await empty.asSuperuser('drop schema if exists pgboss cascade');
  await expect(driver.start()).rejects.toMatchObject({ code: 'migration.pending' });
  await driver.stop();
});

test('a queued job survives maintenance however long it waits', async () => {
  const jobId = await h.enqueue();
  await database.asSuperuser(
    `update pgboss.job set created_on = created_on - interval '5 years', start_after = start_after - interval '5 years',
       keep_until = keep_until - interval '5 years'`,
  );
  await maintain();
  await h.consume(() => Promise.resolve(completed()));
  await h.until(jobId, 'completed');
});

test('a job in hand for longer than the engine allows runs once and is completed', async () => {
  let runs = 0;
  const gate = Promise.withResolvers<void>();
  await h.consume(async () => {
    runs += 1;
    await gate.promise;
    return completed();
  });
  const jobId = await h.enqueue();
  await h.until(jobId, 'active');
  await database.asSuperuser(`update pgboss.job set started_on = started_on - interval '2 days'`);
  await maintain();
  const [job] = await database.asSuperuser<{ state: string }>('select state::text from pgboss.job');
  expect(job?.state).toBe('failed');
  expect(await h.reconciler.restoreLost()).toBe(0);
  gate.resolve();
  await h.until(jobId, 'completed');
  expect(runs).toBe(1);
});

test('completed history goes after its age, the dead letter stays', async () => {
  await h.consume((job) => (job.attempt > 0 ? Promise.resolve(completed()) : Promise.reject(new Error())));
  const jobId = await h.enqueue();
  await h.until(jobId, 'completed');
  await database.asSuperuser(`update pgboss.job set completed_on = completed_on - interval '8 days'`);
  await maintain();
  expect(await h.queue.get(jobId)).toBeNull();
});

test('a consumer outlives the loss of every connection, and so does LISTEN', async () => {
  await h.consume(() => Promise.resolve(completed()), { pollMs: 60_000 });
  await h.until(await h.enqueue(), 'completed');
  for (let round = 0; round < 3; round++) {
    await database.asSuperuser(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    const jobId = await eventually(() => h.enqueue().catch(() => undefined));
    await eventually(async () => (await h.queue.get(jobId).catch(() => null))?.state === 'completed');
  }
});

test('a job whose handler ends while the database is away is settled when it is back', async () => {
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  await h.consume(
    async () => {
      runs += 1;
      await gate.promise;
      return completed();
    },
    { watchMs: 60_000 },
  );
  const jobId = await h.enqueue();
  await h.until(jobId, 'active');
  await database.asSuperuser(`alter role tidemark_worker in database ${database.name} set statement_timeout = '60s'`);
  await database.asSuperuser(`revoke connect on database ${database.name} from tidemark_worker, public`);
  await database.asSuperuser(
    `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tidemark_worker' and datname = current_database()`,
  );
  gate.resolve();
  await eventually(() =>
    h.log.events.some(({ event, fields }) => event === 'loop.failed' && fields['part'] === 'settle'),
  );
  await database.asSuperuser(`grant connect on database ${database.name} to tidemark_worker, public`);
  await h.until(jobId, 'completed');
  expect(runs).toBe(1);
});

test('runtime roles do what they must in the schema of the engine, and no more', async () => {
  const readonly = database.open('tidemark_readonly');
  await readonly.query('select count(*) from pgboss.job');
  await expect(readonly.query(`update pgboss.job set priority = 1`)).rejects.toMatchObject({ code: 'db.forbidden' });
  await expect(h.databases.worker.query('drop table pgboss.warning')).rejects.toMatchObject({ code: 'db.forbidden' });
  await expect(h.databases.api.query('truncate pgboss.job')).rejects.toMatchObject({ code: 'db.forbidden' });
});

test('the claim walks the fetch index, whatever the size of the history', async () => {
  await database.asSuperuser(
    `insert into pgboss.job (id, name, state, completed_on)
     select gen_random_uuid(), 'maintenance', 'completed', now() from generate_series(1, 20000)`,
  );
  await database.asSuperuser('analyze pgboss.job_common');
  const plan = await database.asSuperuser<Record<'QUERY PLAN', string>>(
    `explain select id from pgboss.job where name = 'maintenance' and state < 'active' and not blocked
     and start_after <= pgboss.job_now() order by priority desc, created_on limit 10 for update skip locked`,
  );
  expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toContain('Index Scan');
});
