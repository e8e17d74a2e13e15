import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { Client } from 'pg';
import { KINDS } from '../../queues/catalog.ts';
import type { RetryPolicy } from '../../src/core/retry.ts';
import { done, eventually, harnessOn } from '../conformance/queue/harness.ts';
import { openPgBoss } from '../support/engines-under-test.ts';
import { NEEDS_POSTGRES_15, startPostgres15 } from '../support/postgres15.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const engine = await openPgBoss();
afterAll(() => engine.driver.stop());

interface Producer {
  call(kind: string, payload: unknown, options?: unknown): Promise<string>;
  query(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
}

/** A service with a login of its own that may enqueue and nothing else. */
async function openProducer(url: string, asSuperuser: TestDatabase['asSuperuser']): Promise<Producer> {
  const [name, password] = [`service_${randomBytes(4).toString('hex')}`, randomUUID()];
  await asSuperuser(`create role ${name} login password '${password}'`);
  await asSuperuser(`grant tidemark_producer to ${name}`);
  const own = new URL(url);
  own.username = name;
  own.password = password;
  const client = new Client({ connectionString: own.href });
  await client.connect();
  afterAll(async () => {
    await client.end();
    await asSuperuser(`drop role ${name}`);
  });
  const query: Producer['query'] = async (text, values = []) => (await client.query(text, [...values])).rows as never;
  return {
    query,
    async call(kind, payload, options) {
      const values = [kind, JSON.stringify(payload), JSON.stringify(options ?? {})];
      return (await query('select tidemark_enqueue($1, $2, $3) as id', values))[0]!['id'] as string;
    },
  };
}

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

  test('stands in the name of its user_id, whatever the payload names', async () => {
    const [mine, theirs] = [randomUUID(), randomUUID()];
    const id = await producer.call('sync.run', { runId: theirs }, { user_id: mine });
    // The lease follows the ledger's user, whatever the payload names.
    expect(await rowOf(id)).toMatchObject({ user_id: mine });
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
    ['no.such', {}, {}, 'a kind of credential.refresh, credential.test, sync.run'],
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
    ['credential.refresh', {}, { cost: 0 }, 'cost from'],
    ['credential.refresh', {}, { run_at: 'soon' }, 'an instant as run_at'],
    ['credential.refresh', {}, { run_at: '9999-01-01T00:00:00Z' }, 'within ten years'],
    ['credential.refresh', {}, { unique_key: '' }, 'unique_key of 1 to 500'],
  ] as const)('%j with payload and options is refused by name', async ([kind, payload, options, expected]) => {
    await expect(producer.call(kind, payload, options)).rejects.toMatchObject({
      code: '22023',
      message: expect.stringContaining(expected) as string,
    });
  });

  test('deep JSON ends the statement and nothing else', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    await expect(
      producer.query(`select tidemark_enqueue('credential.refresh', $1)`, [`{"a":${deep}}`]),
    ).rejects.toThrow(/depth|64 kB/);
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
    await expect(producer.query(`select acquire_lease('${randomUUID()}', '${randomUUID()}')`)).rejects.toMatchObject({
      code: '42501',
    });
  });

  test('nobody else may call it', async () => {
    for (const role of ['api', 'scheduler', 'worker'] as const)
      await expect(
        engine.databases[role].query(`select tidemark_enqueue('credential.refresh', '{}')`),
      ).rejects.toMatchObject({ code: 'db.forbidden' });
  });
});

test('it works on PostgreSQL 15', async (context) => {
  const server = await startPostgres15();
  if (server === null) return context.skip(NEEDS_POSTGRES_15);
  const database = await createTestDatabase(server.superuserUrl);
  expect(inject('cluster')).toBeDefined();
  const service = await openProducer(database.urlOf('tidemark_worker'), database.asSuperuser);
  const id = await service.call('credential.refresh', refresh(), { unique_key: 'one' });
  expect(await service.call('credential.refresh', refresh(), { unique_key: 'one' })).toBe(id);
});
