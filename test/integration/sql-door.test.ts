import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { Client } from 'pg';
import { BACKLOG_PER_USER } from '../../queues/admission.ts';
import { KINDS } from '../../queues/catalog.ts';
import type { RetryPolicy } from '../../src/core/retry.ts';
import { done, eventually, harnessOn } from '../conformance/queue/harness.ts';
import { openPgBoss } from '../support/engines-under-test.ts';
import { openProducer } from '../support/producer.ts';
import { NEEDS_POSTGRES_15, startPostgres15 } from '../support/postgres15.ts';
import { createTestDatabase } from '../support/postgres.ts';

const engine = await openPgBoss();
afterAll(() => engine.driver.stop());

const producer = await openProducer(engine.address.databaseUrl, engine.asSuperuser);
const refresh = () => ({ integrationId: randomUUID() });
const rowOf = async (id: string) => (await engine.asSuperuser('select * from job_ledger where id = $1', [id]))[0];

test('the table of kinds says what the catalog says', async () => {
  const rows = await engine.asSuperuser(
    'select kind, queues, max_attempts, derived from tidemark_private.job_kinds order by kind',
  );
  const catalog = Object.entries<{ queues: readonly string[]; retry: RetryPolicy; derived: boolean }>(KINDS).map(
    ([kind, { queues, retry, derived }]) => ({ kind, queues, max_attempts: retry.maxAttempts, derived }),
  );
  expect(rows, 'add a migration that brings tidemark_private.job_kinds in step').toEqual(
    catalog.sort((a, b) => (a.kind < b.kind ? -1 : 1)),
  );
});

describe('a job by SQL', () => {
  test('has its queue’s defaults, waits like any other, and runs', async () => {
    const payload = refresh();
    const id = await producer.call('credential.refresh', payload);
    expect(await rowOf(id)).toMatchObject({
      queue: 'maintenance',
      state: 'pending',
      class: 1,
      max_attempts: 5,
      payload,
      user_id: null,
    });
    const h = harnessOn(engine);
    await h.consume(done);
    await h.admission.admitDue();
    await h.until(id, 'completed');
  });

  test('is there when the transaction commits, and not when it rolls back', async () => {
    await producer.query('begin');
    const lost = await producer.call('credential.refresh', refresh());
    expect(await rowOf(lost)).toBeUndefined();
    await producer.query('rollback');
    expect(await rowOf(lost)).toBeUndefined();
    await producer.query('begin');
    const kept = await producer.call('credential.refresh', refresh());
    await producer.query('commit');
    expect(await rowOf(kept)).toMatchObject({ state: 'pending' });
  });

  test('wakes whoever admits', async () => {
    const woken: string[] = [];
    const stop = engine.driver.onWake((reason) => void woken.push(reason));
    await producer.call('credential.refresh', refresh());
    await eventually(() => woken.includes('admission'));
    stop();
  });

  test('tells nobody of a job for later, nor where BullMQ is the engine and nobody listens', async () => {
    const heard: string[] = [];
    const listener = new Client({ connectionString: engine.address.databaseUrl });
    await listener.connect();
    listener.on('notification', ({ payload }) => void heard.push(payload ?? ''));
    await listener.query('listen tidemark_jobs');
    const setEngine = (name: string) =>
      engine.asSuperuser(
        `insert into settings (key, value) values ('queue.engine', to_jsonb($1::text))
         on conflict (key) do update set value = excluded.value`,
        [name],
      );
    await producer.call('credential.refresh', refresh(), { run_at: new Date(Date.now() + 3_600_000).toISOString() });
    await setEngine('bullmq');
    await producer.call('credential.refresh', refresh());
    await setEngine('pgboss');
    await listener.query(`notify tidemark_jobs, 'mark'`);
    await eventually(() => heard.includes('mark'));
    await listener.end();
    expect(heard).toEqual(['mark']);
  });

  test('takes its options', async () => {
    const userId = randomUUID();
    const id = await producer.call(
      'sync.run',
      { runId: randomUUID() },
      {
        queue: 'sync-marketplace',
        unique_key: 'k1',
        user_id: userId,
        class: 'interactive',
        priority: 7,
        cost: 2.5,
        run_at: '2026-12-24T18:00:00+01:00',
      },
    );
    expect(await rowOf(id)).toMatchObject({
      queue: 'sync-marketplace',
      unique_key: 'k1',
      user_id: userId,
      class: 0,
      priority: 7,
      cost: 2.5,
      max_attempts: 8,
      run_at: new Date('2026-12-24T17:00:00Z'),
    });
    expect(await producer.call('sync.run', { runId: randomUUID() }, { unique_key: 'k1' })).toBe(id);
  });

  test('of a payload that does not fit its kind ends in the dead letter with the reason', async () => {
    const id = await producer.call('credential.refresh', { integrationId: '<script>alert(1)</script>' });
    const h = harnessOn(engine);
    await h.consume(done);
    await h.admission.admitDue();
    expect(await h.until(id, 'dead')).toMatchObject({ error: { code: 'queue.payload_invalid' } });
  });

  test('cannot open the run of another tenant: its lease is that of its own user', async () => {
    const [mine, theirs, runId, workerId] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    await engine.asSuperuser(`
      set session_replication_role = replica;
      insert into workers (id, hostname, pid, concurrency) values ('${workerId}', 'here', 1, 1);
      insert into sync_logs (id, user_id, integration_id, stream, sync_type, status, created_at)
      values ('${runId}', '${theirs}', '${randomUUID()}', 'jobs', 'incremental', 'queued', now())`);
    const { worker } = engine.databases;
    const seenAs = async (userId: string | null): Promise<number | 'no lease'> => {
      const id = await producer.call('sync.run', { runId }, userId === null ? {} : { user_id: userId });
      await engine.asSuperuser(`update job_ledger set state = 'active', worker_id = $2 where id = $1`, [id, workerId]);
      const { rows } = await worker.query<{ token: string | null }>('select acquire_lease($1, $2) as token', [
        id,
        workerId,
      ]);
      const token = rows[0]!.token;
      if (token === null) return 'no lease';
      return await worker.tx({ kind: 'lease', token }, async (tx) => {
        return (await tx.query(`update sync_logs set status = 'running' where id = $1`, [runId])).rowCount ?? 0;
      });
    };
    expect(await seenAs(mine)).toBe(0);
    expect(await seenAs(null)).toBe('no lease');
    expect(await seenAs(theirs)).toBe(1);
  });

  test('holds up nobody while its transaction is open', async () => {
    const userId = randomUUID();
    const h = harnessOn(engine);
    await producer.query('begin');
    await producer.call('credential.refresh', refresh(), { user_id: userId });
    for (let i = 0; i < BACKLOG_PER_USER + 5; i++) await h.enqueue({ userId });
    await h.admission.admitDue();
    await producer.query('commit');
    expect(await h.queue.list({ userId, states: ['waiting'], limit: 100 })).toHaveLength(BACKLOG_PER_USER + 6);
  });

  test('stands behind what its user asked for before, by what that costs', async () => {
    const userId = randomUUID();
    const ids: string[] = [];
    for (const cost of [10, 1, 1])
      ids.push(await producer.call('credential.refresh', refresh(), { user_id: userId, cost }));
    const [first, second, third] = (await Promise.all(ids.map(rowOf))).map((row) => Number(row!['fair_tag']));
    expect([second! - first!, third! - second!]).toEqual([10, 1]);
  });

  test('a flood of one user leaves the next one his turn', async () => {
    const [flooding, quiet] = [randomUUID(), randomUUID()];
    await engine.asSuperuser('delete from job_ledger');
    for (let i = 0; i < 50; i++) await producer.call('credential.refresh', refresh(), { user_id: flooding });
    await producer.call('credential.refresh', refresh(), { user_id: quiet });
    const order = await engine.asSuperuser<{ user_id: string }>(
      `select user_id from job_ledger where state = 'pending' order by class, fair_tag, id`,
    );
    expect(order.findIndex(({ user_id: userId }) => userId === quiet)).toBeLessThan(3);
    const tags = await engine.asSuperuser<{ tags: number }>(
      `select count(distinct fair_tag)::integer as tags from job_ledger where user_id = $1`,
      [flooding],
    );
    expect(tags).toEqual([{ tags: 50 }]);
  });
});

describe('what is refused', () => {
  test.for([
    [
      'no.such',
      {},
      {},
      'a kind of credential.refresh, credential.test, maintenance.retention, message.send, oauth.exchange, sync.run',
    ],
    [`'; drop table job_ledger; --`, {}, {}, 'a kind of'],
    ['metrics.rollup', {}, {}, 'not derived'],
    ['credential.refresh', [], {}, 'a JSON object as payload'],
    ['credential.refresh', 'text', {}, 'a JSON object as payload'],
    ['credential.refresh', null, {}, 'a JSON object as payload'],
    ['credential.refresh', { x: 'x'.repeat(10 * 1024 * 1024) }, {}, 'at most 64 kB'],
    ['credential.refresh', {}, [], 'a JSON object as options'],
    ['credential.refresh', {}, { unheard: 1 }, 'options of queue'],
    ['credential.refresh', {}, { queue: 'sync-upwork' }, 'a queue of credential.refresh'],
    ['credential.refresh', {}, { queue: 5 }, 'queue of 1 to 100 characters'],
    ['credential.refresh', {}, { user_id: 'me' }, 'a UUID as user_id'],
    ['credential.refresh', {}, { user_id: `' or 1=1` }, 'a UUID as user_id'],
    ['credential.refresh', {}, { class: 'urgent' }, 'class interactive'],
    ['credential.refresh', {}, { priority: 'high' }, 'priority from'],
    ['credential.refresh', {}, { priority: 1e9 }, 'priority from'],
    ['credential.refresh', {}, { priority: 1.5 }, 'a whole number as priority'],
    ['credential.refresh', {}, { cost: 0 }, 'cost from'],
    ['credential.refresh', {}, { run_at: 'soon' }, 'an instant with its zone as run_at'],
    ['credential.refresh', {}, { run_at: 'tomorrow' }, 'an instant with its zone'],
    ['credential.refresh', {}, { run_at: 'infinity' }, 'an instant with its zone'],
    ['credential.refresh', {}, { run_at: '2027-02-01 10:00' }, 'an instant with its zone'],
    ['credential.refresh', {}, { run_at: '01/02/2027' }, 'an instant with its zone'],
    ['credential.refresh', {}, { run_at: '2027-02-31T10:00:00Z' }, 'an instant with its zone'],
    ['credential.refresh', {}, { run_at: '2027-02-01T10:00:00+99:00' }, 'an instant with its zone'],
    ['credential.refresh', {}, { run_at: 5 }, 'run_at of 1 to 50 characters'],
    ['credential.refresh', {}, { run_at: '9999-01-01T00:00:00Z' }, 'within ten years'],
    ['credential.refresh', {}, { unique_key: '' }, 'unique_key of 1 to 500'],
  ] as const)('%j with payload and options is refused by name', async ([kind, payload, options, expected]) => {
    await expect(producer.call(kind, payload, options)).rejects.toMatchObject({
      code: '22023',
      message: expect.stringContaining(expected) as string,
    });
  });

  test.for([21, 5_000, 100_000])('%i levels of JSON end the statement, and hold up nobody', async (levels) => {
    const deep = `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    await expect(producer.query(`select tidemark_enqueue('credential.refresh', $1)`, [deep])).rejects.toThrow(
      /depth|20 levels|64 kB/,
    );
    expect(await producer.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a producer sees and changes nothing here', async () => {
    const tables = await engine.asSuperuser<{ name: string }>(
      `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
       where schemaname in ('public', 'tidemark_private', 'pgboss')`,
    );
    expect(tables.length).toBeGreaterThan(20);
    for (const { name } of tables)
      for (const statement of [`select from ${name}`, `delete from ${name}`, `truncate ${name}`])
        await expect(producer.query(statement), statement).rejects.toMatchObject({ code: '42501' });
    await expect(producer.query('create table public.mine ()')).rejects.toMatchObject({ code: '42501' });
    const functions = await producer.query(
      `select p.proname as name from pg_proc p
       where p.pronamespace = any(array(select oid from pg_namespace where nspname in ('public', 'tidemark_private', 'pgboss')))
         and has_schema_privilege(p.pronamespace, 'usage') and has_function_privilege(p.oid, 'execute')
       order by 1`,
    );
    // The others answer from what the caller's own session says, and `tidemark_uuidv7` makes a number.
    expect(functions.map(({ name }) => name)).toEqual([
      'app_is_ops',
      'app_user',
      'lease_user',
      'tidemark_enqueue',
      'tidemark_send',
      'tidemark_uuidv7',
    ]);
  });

  test('nobody else may call it', async () => {
    for (const role of ['api', 'scheduler', 'worker'] as const)
      await expect(
        engine.databases[role].query(`select tidemark_enqueue('credential.refresh', '{}')`),
      ).rejects.toMatchObject({ code: 'db.forbidden' });
  });
});

// Here and not in the test: what ends them is not called from inside of one.
const older = await startPostgres15();
const olderDatabase = older === null ? null : await createTestDatabase(older.superuserUrl);
const olderProducer =
  olderDatabase && (await openProducer(olderDatabase.urlOf('tidemark_worker'), olderDatabase.asSuperuser));

test('it works on PostgreSQL 15', async (context) => {
  if (olderProducer === null) return context.skip(NEEDS_POSTGRES_15);
  const service = olderProducer;
  const id = await service.call('credential.refresh', refresh(), { unique_key: 'one' });
  expect(await service.call('credential.refresh', refresh(), { unique_key: 'one' })).toBe(id);
  const later = { user_id: randomUUID(), run_at: '2026-12-24T18:00:00.123456+01:00', priority: -3, cost: 0.5 };
  const other = await service.call('credential.refresh', refresh(), later);
  expect(other).not.toBe(id);
  await expect(service.call('credential.refresh', {}, { run_at: 'tomorrow' })).rejects.toMatchObject({ code: '22023' });
  const deep = JSON.parse(`{"a":${'['.repeat(30)}${']'.repeat(30)}}`) as unknown;
  await expect(service.call('credential.refresh', deep)).rejects.toThrow('at most 20 levels');
});
