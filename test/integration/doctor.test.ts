// What doctor says of each protection, on servers where it is there and on servers where somebody took it away. A server of
// its own: roles belong to all databases of one.

import { execFile, execFileSync } from 'node:child_process';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer, connect, type AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Check } from '../../src/app/check.ts';
import { openDoctorSession, runChecks } from '../../src/app/doctor.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { generateKeyPair, renderPublicKeys } from '../../src/vault/key-ring.ts';
import { addSecretKey } from '../../src/vault/secret-keys-file.ts';
import { findServerUser } from '../../src/embedded-postgres/server-user.ts';
import { ROOT } from '../architecture/source-files.ts';
import { CHILD_ENV } from '../support/child-env.ts';
import { prepareCluster } from '../support/cluster.ts';
import { hasProgram } from '../support/deployment.ts';
import { ask } from '../support/embedded-postgres.ts';
import { NEEDS_PGBOUNCER, startPgBouncer } from '../support/pgbouncer.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { skipUnless } from '../support/skip.ts';
import { embeddedPostgres, startPrivateCluster } from '../support/system-postgres.ts';

const cluster = await startPrivateCluster(await embeddedPostgres());
// Before the database's own end is registered, and so after it.
afterAll(() => cluster.stop());
const { superuserUrl } = await prepareCluster(cluster.superuserUrl);
const database = await createTestDatabase(superuserUrl);
const folder = await mkdtemp(path.join(tmpdir(), 'tm-doctor-'));
const keysFile = path.join(folder, 'vault-keys.json');
const pair = generateKeyPair();
await addSecretKey(keysFile, pair, new Date());
afterAll(() => rm(folder, { recursive: true, force: true }));

type Env = Readonly<Record<string, string>>;

function environment(env: Env): Env {
  return {
    DATABASE_URL: database.urlOf('tidemark_api'),
    TIDEMARK_DATA_DIR: path.join(folder, 'none'),
    TIDEMARK_PUBLIC_KEYS: renderPublicKeys([pair.publicKey]),
    ...env,
  };
}

/** All checks of an api process, by name, unless `env` makes it another one. */
async function doctor(env: Env = {}): Promise<Readonly<Record<string, Check>>> {
  const config = loadConfig(environment(env));
  const session = openDoctorSession({ config, log: silentLog, signal: AbortSignal.timeout(20_000), command: 'doctor' });
  try {
    const checks = await runChecks(config, silentLog, () => session);
    return Object.fromEntries(checks.map((check) => [check.name, check]));
  } finally {
    await session.then(
      ({ close }) => close(),
      () => undefined,
    );
  }
}

const as = (status: Check['status'], finding: string): unknown =>
  expect.objectContaining({ status, finding: expect.stringContaining(finding) as string });

/** Undone after the test. */
async function change(statement: string, undo: string): Promise<void> {
  await database.asSuperuser(statement);
  onTestFinished(() => database.asSuperuser(undo).then(() => undefined));
}

const superuser = (): string => {
  const url = new URL(superuserUrl);
  url.pathname = `/${database.name}`;
  return url.href;
};

test('an installation with separate logins is found protected, beside each of its processes', async () => {
  for (const role of ['tidemark_api', 'tidemark_scheduler', 'tidemark_worker'] as const) {
    const keys: Env = role === 'tidemark_worker' ? { TIDEMARK_SECRET_KEYS_FILE: keysFile } : {};
    const found = await doctor({ DATABASE_URL: database.urlOf(role), ...keys });
    expect(found).toMatchObject({
      database: as('ok', 'PostgreSQL 18'),
      login: as('ok', `own login (${role})`),
      'logins of all roles': as('ok', 'separate logins'),
      'row level security': as('ok', 'enabled and forced'),
      'sealed columns': as('ok', 'only the worker and the backup'),
      'vault keys': as('ok', role === 'tidemark_worker' ? 'right for a worker' : 'right for api and scheduler'),
      'queue engine': as('ok', 'pg-boss'),
      'connection pooler': as('ok', 'no pooler'),
      'database TLS': as('ok', 'stays on this machine'),
    });
  }
});

describe('the login', () => {
  test('of a superuser is a failure', async () => {
    expect((await doctor({ DATABASE_URL: superuser() })).login).toEqual(as('failed', 'postgres is a superuser'));
  });

  test('that bypasses policies is a failure, for whoever looks', async () => {
    await change('alter role tidemark_worker bypassrls', 'alter role tidemark_worker nobypassrls');
    const worker = await doctor({ DATABASE_URL: database.urlOf('tidemark_worker') });
    expect(worker.login).toEqual(as('failed', 'tidemark_worker is a superuser or bypasses'));
    expect((await doctor())['logins of all roles']).toEqual(as('failed', 'tidemark_worker'));
  });

  test('of the tables’ owner is a weakness', async () => {
    await change('grant tidemark_api to tidemark_owner', 'revoke tidemark_api from tidemark_owner');
    const found = await doctor({ DATABASE_URL: database.urlOf('tidemark_owner') });
    expect(found.login).toEqual(as('weak', 'tidemark_owner owns the tables'));
  });

  test('that may become another role is a weakness', async () => {
    await change('grant tidemark_worker to tidemark_api', 'revoke tidemark_worker from tidemark_api');
    expect((await doctor()).login).toEqual(as('weak', 'may also become tidemark_worker'));
  });

  test('that all roles share is a weakness', async () => {
    await change('alter role tidemark_worker nologin', 'alter role tidemark_worker login');
    expect((await doctor())['logins of all roles']).toEqual(as('weak', 'without a login of its own: tidemark_worker'));
    await database.asSuperuser(`create role one login password 'one'`);
    await database.asSuperuser('grant tidemark_api to one');
    onTestFinished(() => database.asSuperuser('drop role one').then(() => undefined));
    const url = new URL(database.urlOf('tidemark_api'));
    [url.username, url.password] = ['one', 'one'];
    expect((await doctor({ DATABASE_URL: url.href })).login).toEqual(as('weak', 'one login (one)'));
  });
});

test('tables without enabled or without forced row level security are listed', async () => {
  await change('alter table jobs no force row level security', 'alter table jobs force row level security');
  await change('alter table users disable row level security', 'alter table users enable row level security');
  await change('create table notes (user_id uuid)', 'drop table notes');
  const check = (await doctor())['row level security'];
  expect(check).toEqual(
    as('failed', 'not protected: jobs (enabled, not forced), notes (not enabled), users (not enabled)'),
  );
});

test('a role that can select what is sealed is named', async () => {
  await change(
    'grant select (ciphertext) on integration_credentials to tidemark_scheduler',
    'revoke select (ciphertext) on integration_credentials from tidemark_scheduler',
  );
  expect((await doctor())['sealed columns']).toEqual(as('failed', 'integration_credentials by tidemark_scheduler'));
});

test('secret keys beside the api are a weakness, and a worker without them fails', async () => {
  const name = 'vault keys';
  expect((await doctor({ TIDEMARK_SECRET_KEYS_FILE: keysFile }))[name]).toEqual(
    as('weak', 'with the login tidemark_api'),
  );
  const worker = await doctor({ DATABASE_URL: database.urlOf('tidemark_worker') });
  expect(worker[name]).toEqual(as('failed', 'no secret keys here'));
  const other = renderPublicKeys([pair.publicKey, generateKeyPair().publicKey]);
  const keys = { TIDEMARK_SECRET_KEYS_FILE: keysFile, TIDEMARK_PUBLIC_KEYS: other };
  expect((await doctor({ DATABASE_URL: database.urlOf('tidemark_worker'), ...keys }))[name]).toEqual(
    as('weak', 'cannot open'),
  );
});

test('a pooler is seen, and whether LISTEN goes past it', async (context) => {
  const bouncer = await startPgBouncer({ superuserUrl });
  skipUnless(context, bouncer, NEEDS_PGBOUNCER);
  onTestFinished(() => bouncer.stop());
  const direct = database.urlOf('tidemark_api');
  const DATABASE_URL = bouncer.through(direct);
  const name = 'connection pooler';
  expect((await doctor({ DATABASE_URL }))[name]).toEqual(
    as('weak', 'a pooler in transaction mode, and so would LISTEN'),
  );
  const past = (await doctor({ DATABASE_URL, DIRECT_DATABASE_URL: direct }))[name];
  expect(past).toEqual(as('ok', 'LISTEN goes past it'));
});

test('a way to another machine is a weakness until its TLS is verified', async (context) => {
  const address = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
  skipUnless(context, address, 'needs a network address besides loopback');
  skipUnless(context, await hasProgram('openssl'), 'needs openssl');
  const [key, certificate] = [path.join(folder, 'server.key'), path.join(folder, 'server.crt')];
  const names = ['-subj', '/CN=database', '-addext', `subjectAltName=IP:${address}`];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      certificate,
      ...names,
    ],
    { stdio: 'pipe' },
  );
  const { uid, gid } = findServerUser();
  if (uid !== undefined && gid !== undefined) await chown(key, uid, gid);
  // Our folder is closed to the server, which reads copies of its own.
  const [{ data_directory: data } = {}] = await ask(superuserUrl, 'show data_directory');
  for (const file of [key, certificate]) execFileSync('cp', ['-p', file, String(data)]);

  const server = new URL(database.urlOf('tidemark_api'));
  const port = Number(server.port);
  const forward = createServer((socket) => {
    const upstream = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const)
      one
        .on('error', () => other.destroy())
        .on('close', () => other.destroy())
        .pipe(other);
  });
  await new Promise<void>((resolve) => forward.listen(0, address, resolve));
  onTestFinished(() => new Promise((resolve) => forward.close(() => resolve())));
  server.host = `${address}:${(forward.address() as AddressInfo).port}`;
  const tls = async (parameters: string): Promise<Check | undefined> =>
    (await doctor({ DATABASE_URL: `${server.href}${parameters}` }))['database TLS'];

  expect(await tls('')).toEqual(as('weak', `goes to ${address} without TLS`));
  for (const setting of [`ssl_key_file = 'server.key'`, `ssl_cert_file = 'server.crt'`, 'ssl = on'])
    await ask(superuserUrl, `alter system set ${setting}`);
  await ask(superuserUrl, 'select pg_reload_conf()');
  await expect.poll(() => ask(superuserUrl, 'show ssl')).toEqual([{ ssl: 'on' }]);
  expect(await tls('?sslmode=no-verify')).toEqual(as('weak', 'by TLS, to whoever answers there'));
  expect(await tls(`?sslmode=verify-full&sslrootcert=${certificate}`)).toEqual(as('ok', 'by verified TLS'));
});

test.for([
  ['0', 'ok', 'off for'],
  ['unlimited', 'weak', 'on for'],
] as const)('core dumps with ulimit -c %s are %s', async ([limit, status, finding], context) => {
  skipUnless(context, process.platform === 'linux', 'needs Linux, whose /proc tells limits');
  const said = await new Promise<string>((resolve) => {
    const command = `ulimit -c ${limit} && exec "$0" src/cli/main.ts doctor --json`;
    execFile(
      'sh',
      ['-c', command, process.execPath],
      { cwd: ROOT, env: { ...CHILD_ENV, ...environment({}) } },
      (_error, stdout) => resolve(stdout),
    );
  });
  skipUnless(context, said.includes('checks'), `needs the right to set ulimit -c ${limit}`);
  const { checks } = JSON.parse(said) as { checks: readonly Check[] };
  expect(checks.find(({ name }) => name === 'core dumps')).toEqual(as(status, finding));
});
