// deploy/roles.sql on servers where nobody is given a superuser, as managed ones are: by a login that may create roles and
// owns the database. Then the schema by its owner, and a job by the processes with their own logins.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, test, vi, type TestContext } from 'vitest';
import { generateKeyPair, renderPublicKeys } from '../../src/vault/key-ring.ts';
import { addSecretKey } from '../../src/vault/secret-keys-file.ts';
import { ROOT } from '../architecture/source-files.ts';
import { hasProgram } from '../support/deployment.ts';
import { ask } from '../support/embedded-postgres.ts';
import { freePort } from '../support/free-port.ts';
import { NEEDS_POSTGRES_15 } from '../support/postgres15.ts';
import { killSpawned, spawnCaught } from '../support/processes/spawned.ts';
import { skipUnless } from '../support/skip.ts';
import { embeddedPostgres, startPrivateCluster, systemPostgres15 } from '../support/system-postgres.ts';
import { waitFor } from '../support/wait.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

const run = promisify(execFile);
const PATH = process.env['PATH'] ?? '';
const LOGINS = ['owner', 'api', 'scheduler', 'worker', 'readonly', 'backup'] as const;
const MASTER = { name: 'master', password: 'master-password' };

const hasPsql = await hasProgram('psql');
const folder = await mkdtemp(path.join(tmpdir(), 'tm-managed-'));
const keysFile = path.join(folder, 'vault-keys.json');
const keys = generateKeyPair();
await addSecretKey(keysFile, keys, new Date());
afterEach(killSpawned);

interface Managed {
  readonly superuserUrl: string;
  /** URL of a login in a database. */
  readonly as: (login: { readonly name: string; readonly password: string }, database: string) => string;
}

async function startManaged(version: '15' | '18'): Promise<Managed | null> {
  const programs = version === '18' ? await embeddedPostgres() : systemPostgres15();
  if (programs === undefined) return null;
  const cluster = await startPrivateCluster(programs);
  afterAll(() => cluster.stop());
  const superuserUrl = cluster.superuserUrl.reveal();
  await ask(superuserUrl, `create role ${MASTER.name} login createrole createdb password '${MASTER.password}'`);
  const as: Managed['as'] = ({ name, password }, database) => {
    const url = new URL(superuserUrl);
    [url.username, url.password, url.pathname] = [name, password, `/${database}`];
    return url.href;
  };
  for (const database of ['tidemark', 'single']) await ask(as(MASTER, 'postgres'), `create database ${database}`);
  return { superuserUrl, as };
}

const servers = { '18': await startManaged('18'), '15': await startManaged('15') };
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A command that ended well; what it printed. */
async function printed(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const child = spawnCaught(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), ...args], { PATH, ...env });
  expect(await child.ended, child.output()).toMatchObject({ exitCode: 0 });
  return child.output();
}

describe.for(['18', '15'] as const)('on PostgreSQL %s', (version) => {
  const server = (context: TestContext): Managed => {
    const found = servers[version];
    skipUnless(context, found, NEEDS_POSTGRES_15);
    skipUnless(context, hasPsql, 'needs psql on the PATH');
    return found;
  };

  function makeRoles(
    { as }: Managed,
    passwords: (login: string) => string,
    database = 'tidemark',
  ): Promise<{ readonly stderr: string }> {
    const names = LOGINS.map((login) => [`${login.toUpperCase()}_PASSWORD`, passwords(login)]);
    return run('psql', ['--quiet', as(MASTER, database), '--file', path.join(ROOT, 'deploy/roles.sql')], {
      env: { PATH, ...(Object.fromEntries(names) as Record<string, string>) },
    });
  }

  test('one login that may create roles does everything, and doctor says what that costs', async (context) => {
    const { as } = server(context);
    const env = { DATABASE_URL: as(MASTER, 'single'), TIDEMARK_DATA_DIR: path.join(folder, 'single') };
    expect(await printed(['migrate', 'up'], env)).toContain('applied');
    await printed(['users', 'add', '--email', 'ada@example.test', '--name', 'Ada'], env);
    expect(await printed(['users', 'list'], env)).toContain('ada@example.test');
    expect(await printed(['doctor'], env)).toContain('! login: master owns the tables');
  });

  test('the script makes the logins without a superuser, and again with other passwords', async (context) => {
    const managed = server(context);
    for (const word of ['first', 'second'])
      expect(await makeRoles(managed, (login) => `${login}-${word}`)).toMatchObject({ stderr: '' });
    const rows = await ask(
      managed.superuserUrl,
      `select rolname from pg_roles
       where rolname like 'tidemark%' and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)`,
    );
    expect(rows).toEqual([]);
    const members = await ask(
      managed.superuserUrl,
      `select m.member::regrole::text as member from pg_auth_members m where m.member::regrole::text like 'tidemark%'`,
    );
    expect(members, 'no login may become another one').toEqual([]);
    const api = (word: string): string => managed.as({ name: 'tidemark_api', password: `api-${word}` }, 'tidemark');
    await expect(ask(api('first'), 'select')).rejects.toThrow(/password/);
    expect(await ask(api('second'), 'select current_user::text as login')).toEqual([{ login: 'tidemark_api' }]);
    await expect(ask(api('second'), 'create table mine ()')).rejects.toThrow(/permission denied/);
  });

  test('it refuses a role that may pass by row level security', async (context) => {
    const managed = server(context);
    await ask(managed.superuserUrl, 'alter role tidemark_worker bypassrls');
    const refused = makeRoles(managed, (login) => `${login}-third`);
    await expect(refused).rejects.toMatchObject({
      code: 3,
      stderr: expect.stringContaining('tidemark_worker may pass by row level security') as string,
    });
    await ask(managed.superuserUrl, 'alter role tidemark_worker nobypassrls');
  });

  test('it does not pass for done in a database whose rights the login cannot give', async (context) => {
    const managed = server(context);
    const refused = makeRoles(managed, (login) => `${login}-fourth`, 'postgres');
    await expect(refused).rejects.toMatchObject({
      code: 3,
      stderr: expect.stringContaining('expected to own the database postgres') as string,
    });
  });

  test('the owner makes the schema, and each process works with its own login', async (context) => {
    const managed = server(context);
    await makeRoles(managed, (login) => `${login}-password`);
    const urlOf = (login: string): string =>
      managed.as({ name: `tidemark_${login}`, password: `${login}-password` }, 'tidemark');
    const common = {
      TIDEMARK_PUBLIC_KEYS: renderPublicKeys([keys.publicKey]),
      TIDEMARK_DATA_DIR: path.join(folder, 'none'),
    };
    const owner = { ...common, OWNER_DATABASE_URL: urlOf('owner') };
    expect(await printed(['migrate', 'up'], owner)).toContain('applied');
    expect(await printed(['migrate', 'up'], owner)).toContain('nothing to do');
    const env = (login: string): Record<string, string> => ({ PATH, ...common, DATABASE_URL: urlOf(login) });
    const port = String(await freePort());
    const processes = ['api', 'scheduler', 'worker'].map((role) =>
      spawnCaught(process.execPath, [path.join(ROOT, 'workers/main.ts'), role], {
        ...env(role),
        PORT: port,
        ...(role === 'worker' ? { TIDEMARK_SECRET_KEYS_FILE: keysFile } : {}),
      }),
    );
    await Promise.all(processes.map((each) => each.logged('process.started')));
    const payload = JSON.stringify({ integrationId: crypto.randomUUID() });
    const enqueued = await printed(['jobs', 'enqueue', 'credential.test', '--payload', payload, '--json'], env('api'));
    const { jobId } = JSON.parse(enqueued) as { jobId: string };
    const here = new URL(managed.superuserUrl);
    here.pathname = '/tidemark';
    // Of an integration that there is not, so that the job has nothing to do.
    const done = `select state::text from pgboss.job where id = '${jobId}' and state = 'completed'`;
    await waitFor(async () => (await ask(here.href, done)).length > 0, {
      get what() {
        return `a worker to do the job:\n${processes.map((each) => each.output()).join('')}`;
      },
      timeoutMs: 15_000,
    });
    for (const each of processes) each.kill('SIGTERM');
    for (const each of processes) expect(await each.ended, each.output()).toMatchObject({ exitCode: 0 });
  });
});
