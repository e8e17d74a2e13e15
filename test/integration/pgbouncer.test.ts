// Everything behind PgBouncer in transaction mode: no tenant stays on a connection that the next client gets, nothing that
// Tidemark does needs a session of its own, and what does (LISTEN) goes past the pooler or is done without.

import { Client } from 'pg';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, inject, onTestFinished, test, type TestContext } from 'vitest';
import { createApiServices } from '../../src/app/api.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import { openDatabase, type Database, type DatabaseRole, type TxScope } from '../../src/db/database.ts';
import { createListener } from '../../src/db/listen.ts';
import { migrateDown, migrateUp } from '../../src/db/migrate.ts';
import { findPooler } from '../../src/db/pooler.ts';
import { createServiceGroup } from '../../src/lifecycle/service-group.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { bearer, issueToken } from '../support/api.ts';
import { createKillWorld, type KillWorld } from '../support/kill-world.ts';
import { NEEDS_PGBOUNCER, startPgBouncer } from '../support/pgbouncer.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { skipUnless } from '../support/skip.ts';
import { startTestScheduler } from '../support/test-scheduler.ts';
import { waitFor } from '../support/wait.ts';

const { superuserUrl } = inject('cluster');
const bouncer = await startPgBouncer({ superuserUrl });
const single = await startPgBouncer({ superuserUrl, poolSize: 1 });
const database = await createTestDatabase();
const world: KillWorld | undefined =
  bouncer === undefined ? undefined : await createKillWorld({ postings: 30, proposals: 5, through: bouncer.through });
afterAll(() => Promise.all([bouncer?.stop(), single?.stop()]));

beforeEach((context: TestContext) => skipUnless(context, bouncer, NEEDS_PGBOUNCER));

/** A pool whose connections are one connection to the server, shared with every other such pool of the role. */
function openOnOne(role: DatabaseRole, login: DatabaseRole = role): Database {
  const url = new Secret(single!.through(database.urlOf(login)));
  const pool = openDatabase({ url, role, poolSize: 1 });
  onTestFinished(() => pool.close());
  return pool;
}

describe('two tenants on one connection', () => {
  const A = '01890000-0000-7000-8000-00000000000a';
  const B = '01890000-0000-7000-8000-00000000000b';
  const WORKER = '01890000-0000-7000-8000-0000000000f0';
  let seeded: Promise<Readonly<Record<string, string>>> | undefined;

  /** Both users, and a lease token of each. */
  async function seed(): Promise<Readonly<Record<string, string>>> {
    await database.asSuperuser(
      `insert into users (id, email, name) values ($1, 'a@example.test', 'A'), ($2, 'b@example.test', 'B')`,
      [A, B],
    );
    await database.asSuperuser(
      `insert into workers (id, hostname, pid, status, concurrency) values ($1, 'here', 1, 'alive', 1)`,
      [WORKER],
    );
    const tokens: Record<string, string> = {};
    for (const user of [A, B]) {
      const job = randomUUID();
      await database.asSuperuser(
        `insert into job_ledger (id, kind, queue, user_id, run_at, state, worker_id, max_attempts, created_at)
         values ($1, 'sync.run', 'sync-upwork', $2, now(), 'active', $3, 1, now())`,
        [job, user, WORKER],
      );
      const { rows } = await database
        .open('tidemark_worker', 1)
        .query<{ token: string }>('select acquire_lease($1, $2) as token', [job, WORKER]);
      tokens[user] = rows[0]!.token;
    }
    return tokens;
  }

  const LOOK = `
    select pg_backend_pid() as pid, current_user::text as role, app_user() as user_id, app_is_ops() as ops,
      nullif(current_setting('app.lease_token', true), '') as token, current_setting('idle_in_transaction_session_timeout') as idle,
      (select array_agg(id::text order by id) from users) as seen`;
  type Look = { readonly pid: number; readonly role: string; readonly seen: string[] | null };
  const NOTHING = { user_id: null, ops: false, token: null, idle: '0', seen: null };

  interface Case {
    readonly role: DatabaseRole;
    readonly scope: (user: string, tokens: Readonly<Record<string, string>>) => TxScope;
    readonly sees: (user: string) => readonly string[];
  }
  const CASES: readonly (readonly [string, Case])[] = [
    ['user', { role: 'tidemark_api', scope: (userId) => ({ kind: 'user', userId }), sees: (user) => [user] }],
    ['ops', { role: 'tidemark_api', scope: () => ({ kind: 'ops' }), sees: () => [A, B] }],
    [
      'lease',
      {
        role: 'tidemark_worker',
        scope: (user, tokens) => ({ kind: 'lease', token: tokens[user]! }),
        sees: (user) => [user],
      },
    ],
  ];

  test.each(CASES)('scope %s ends with its transaction, however that ends', async (_name, { role, scope, sees }) => {
    const tokens = await (seeded ??= seed());
    const [left, right] = [openOnOne(role), openOnOne(role)];
    const look = async (db: Database): Promise<Look> => (await db.query<Look>(LOOK)).rows[0]!;
    const inside = (db: Database, user: string): Promise<Look> =>
      db.tx(scope(user, tokens), async (tx) => (await tx.query<Look>(LOOK)).rows[0]!);

    const first = await inside(left, A);
    expect(first.seen).toEqual(sees(A));
    expect(await look(right)).toMatchObject({ ...NOTHING, pid: first.pid });
    expect(await inside(right, B)).toMatchObject({ pid: first.pid, seen: sees(B) });
    expect(await look(left)).toMatchObject({ ...NOTHING, pid: first.pid });

    const fails = left.tx(scope(A, tokens), (tx) => tx.query('select 1 / 0'));
    await expect(fails).rejects.toThrow('division by zero');
    expect(await look(right)).toMatchObject({ ...NOTHING, pid: first.pid });

    const cancelled = left.tx(scope(A, tokens), (tx) => tx.query('select pg_sleep(30)'));
    const refused = expect(cancelled).rejects.toMatchObject({ code: 'db.timeout' });
    const cancel = `select pg_cancel_backend(pid) from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'`;
    await waitFor(async () => (await database.asSuperuser(cancel, [first.pid])).length > 0, {
      what: 'the statement to run',
    });
    await refused;
    expect(await look(right)).toMatchObject({ ...NOTHING, pid: first.pid });
    expect(await inside(right, B)).toMatchObject({ pid: first.pid, seen: sees(B) });
  });

  test('a client that vanishes in its transaction leaves nothing behind', async () => {
    await (seeded ??= seed());
    const client = new Client({ connectionString: single!.through(database.urlOf('tidemark_api')) });
    client.on('error', () => undefined);
    await client.connect();
    await client.query(`begin; set local app.user_id = '${A}'`);
    (client as Client & { readonly connection: { readonly stream: { destroy(): void } } }).connection.stream.destroy();
    const other = openOnOne('tidemark_api');
    expect((await other.query(LOOK)).rows[0]).toMatchObject(NOTHING);
  });

  test('with one login for everything the role ends with the transaction too', async () => {
    await (seeded ??= seed());
    // The owner of the test may take the role, as the maker of the roles may.
    await database.asSuperuser('grant tidemark_api to tidemark_owner');
    onTestFinished(() => database.asSuperuser('revoke tidemark_api from tidemark_owner').then(() => undefined));
    const [api, owner] = [openOnOne('tidemark_api', 'tidemark_owner'), openOnOne('tidemark_owner')];
    const inside = await api.tx({ kind: 'user', userId: A }, (tx) => tx.query<Look>(LOOK));
    expect(inside.rows[0]).toMatchObject({ role: 'tidemark_api', seen: [A] });
    const { rows } = await owner.query<Look>(LOOK);
    expect(rows[0]).toMatchObject({ role: 'tidemark_owner', pid: inside.rows[0]!.pid, user_id: null, ops: false });
  });

  test('many transactions of both at once see their own rows only', async () => {
    const tokens = await (seeded ??= seed());
    const open = (role: DatabaseRole): Database => {
      const pool = openDatabase({ url: new Secret(bouncer!.through(database.urlOf(role))), role, poolSize: 8 });
      onTestFinished(() => pool.close());
      return pool;
    };
    const pools = { tidemark_api: open('tidemark_api'), tidemark_worker: open('tidemark_worker') };
    const seen = await Promise.all(
      Array.from({ length: 120 }, async (_, index) => {
        const [, { role, scope, sees }] = CASES[index % CASES.length]!;
        const user = index % 2 === 0 ? A : B;
        const db = pools[role as keyof typeof pools];
        const { rows } = await db.tx(scope(user, tokens), (tx) => tx.query<Look>(LOOK));
        return [rows[0]!.seen, sees(user)] as const;
      }),
    );
    for (const [got, expected] of seen) expect(got).toEqual(expected);
    expect((await pools.tidemark_api.query(LOOK)).rows[0]).toMatchObject(NOTHING);
  });
});

/** What a session of the role still holds on each of the pooler's two connections; both are taken at once. */
async function leftOn(role: DatabaseRole, url: string): Promise<readonly unknown[]> {
  const clients = [1, 2].map(() => new Client({ connectionString: bouncer!.through(url) }));
  try {
    const pids = new Set<unknown>();
    const left: unknown[] = [];
    for (const client of clients) {
      await client.connect();
      await client.query('begin');
      const { rows } = await client.query(`
        select pg_backend_pid() as pid, (select count(*) from pg_prepared_statements)::int as prepared,
          (select array_agg(c) from pg_listening_channels() c) as channels,
          (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())::int as locks,
          (select array_agg(name) from pg_settings where source = 'session'
             and name not in ('application_name', 'client_encoding', 'DateStyle', 'TimeZone')) as settings,
          current_user::text as role, pg_my_temp_schema()::int as temporary`);
      const { pid, ...rest } = rows[0] as { readonly pid: number };
      pids.add(pid);
      left.push({ role, ...rest });
    }
    expect(pids.size, 'connections looked at').toBe(2);
    return left;
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

const clean = (role: DatabaseRole): unknown => ({
  role,
  prepared: 0,
  channels: null,
  locks: 0,
  settings: null,
  temporary: 0,
});

describe('an installation', () => {
  test(
    'syncs through the pooler, is woken past it, and leaves nothing on its connections',
    { timeout: 60_000 },
    async () => {
      const { connect, startWorker, settled, events, sim } = world!;
      const account = await connect();
      const worker = startWorker();
      await waitFor(
        () =>
          world!.database
            .asSuperuser('select from sync_logs where completed_at is not null')
            .then(({ length }) => length > 0),
        {
          timeoutMs: 30_000,
          what: 'the first run to end',
        },
      );
      await settled();
      const runs = await world!.database.asSuperuser('select status from sync_logs where user_id = $1', [
        account.userId,
      ]);
      expect(new Set(runs.map(({ status }) => status))).toEqual(new Set(['success']));
      const [stored] = await world!.database.asSuperuser('select count(*)::int as count from jobs where user_id = $1', [
        account.userId,
      ]);
      expect(stored).toEqual({ count: sim.state.postings.size });
      expect(events.of('db.listen_pooled')).toEqual([]);
      for (const role of ['tidemark_api', 'tidemark_scheduler', 'tidemark_worker'] as const)
        for (const left of await leftOn(role, world!.database.urlOf(role))) expect(left).toEqual(clean(role));
      expect(await worker.stop()).toEqual([0, null]);
    },
  );

  test('the api answers, and enqueues once per key, through the pooler', async () => {
    const { config, database: own } = world!;
    const url = new Secret(bouncer!.through(own.urlOf('tidemark_api')));
    const { services, server } = await createApiServices({
      config: { ...config, http: { ...config.http, port: 0 } },
      url,
      clock: systemClock,
      log: silentLog,
      metrics: createMetrics(),
      onSwitched: () => undefined,
    });
    const group = createServiceGroup({ name: 'api', services, stopWithinMs: 10_000, log: silentLog });
    await group.start();
    onTestFinished(() => group.stop());
    const headers = {
      ...bearer(await issueToken(own.open('tidemark_api', 1), ['read', 'enqueue'])),
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
    };
    const body = JSON.stringify({ kind: 'credential.test', payload: { integrationId: randomUUID() } });
    const answers = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const answer = await fetch(`${server.address}/v1/jobs`, { method: 'POST', headers, body });
        return [answer.ok, ((await answer.json()) as { jobId: string }).jobId] as const;
      }),
    );
    expect(new Set(answers.map(([ok, jobId]) => `${ok} ${jobId}`)).size).toBe(1);
    expect(answers[0]![0]).toBe(true);
    for (const left of await leftOn('tidemark_api', own.urlOf('tidemark_api')))
      expect(left).toEqual(clean('tidemark_api'));
  });

  test('a worker that knows no way past the pooler finds its jobs by polling', { timeout: 60_000 }, async () => {
    const { config, connect, startWorker, settled, database: own } = world!;
    const worker = startWorker(undefined, { DIRECT_DATABASE_URL: '' });
    const pooled = new Secret(bouncer!.through(own.urlOf('tidemark_scheduler')));
    const scheduler = await startTestScheduler(config, pooled);
    onTestFinished(() => scheduler.stop());
    await scheduler.events.waitFor('db.listen_pooled');
    const account = await connect();
    await waitFor(
      () =>
        own
          .asSuperuser('select from sync_logs where user_id = $1 and completed_at is not null', [account.userId])
          .then(({ length }) => length > 0),
      { timeoutMs: 30_000, what: 'a run to end' },
    );
    await settled();
    for (const left of await leftOn('tidemark_worker', own.urlOf('tidemark_worker')))
      expect(left).toEqual(clean('tidemark_worker'));
    expect(await worker.stop()).toEqual([0, null]);
  });
});

test('a listener behind the pooler says so once and does not pass for one that hears', async () => {
  const said: string[] = [];
  const listenerOn = (url: string) => {
    const listener = createListener({
      url: new Secret(url),
      channel: 'tidemark_jobs',
      onNotify: (payload) => said.push(`heard ${payload}`),
      onPooled: () => said.push('pooled'),
      onConnectionLost: ({ message }) => said.push(message),
    });
    onTestFinished(() => listener.stop());
    return listener;
  };
  const pooled = listenerOn(bouncer!.through(database.urlOf('tidemark_worker')));
  await pooled.start();
  await waitFor(() => said.includes('pooled'), { what: 'the listener to see the pooler' });
  await pooled.stop();
  expect([said, pooled.listening]).toEqual([['pooled'], false]);
  const direct = listenerOn(database.urlOf('tidemark_worker'));
  await direct.start();
  await waitFor(() => direct.listening, { what: 'the direct listener' });
  expect(said).toEqual(['pooled', 'heard ']);
});

test('a pooler and its mode are recognised', async () => {
  const url = database.urlOf('tidemark_worker');
  const sessions = (await startPgBouncer({ superuserUrl, mode: 'session' }))!;
  onTestFinished(() => sessions.stop());
  const found = [url, bouncer!.through(url), sessions.through(url)].map((each) => findPooler(new Secret(each)));
  expect(await Promise.all(found)).toEqual(['none', 'transaction', 'session']);
});

test('migrations through the pooler exclude one another and leave no lock behind', async () => {
  const options = {
    url: new Secret(bouncer!.through(database.urlOf('tidemark_owner'))),
    log: silentLog,
    signal: AbortSignal.timeout(20_000),
  };
  const [undone] = await migrateDown(options, 1);
  const all = await Promise.all([migrateUp(options), migrateUp({ ...options, lockWaitMs: 15_000 })]);
  expect(all.flat()).toEqual([undone]);
  for (const left of await leftOn('tidemark_owner', database.urlOf('tidemark_owner')))
    expect(left).toEqual(clean('tidemark_owner'));
});
