import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { access, chmod, chown, constants, cp, lstat, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createEmbeddedPostgres, type EmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { findPackage } from '../../src/embedded-postgres/binaries.ts';
import { findServerUser } from '../../src/embedded-postgres/server-user.ts';
import {
  ask,
  dataFolderOf,
  postmasterPid,
  rememberingLog,
  removeFolder,
  spawnChild,
  startChild,
  stateOf,
  temporaryFolder,
  type RememberingLog,
} from '../support/embedded-postgres.ts';
import { skipUnless } from '../support/skip.ts';

const IS_ROOT = process.getuid?.() === 0;
const NOBODY = 65_534;

let folder: string;
let log: RememberingLog;
let servers: EmbeddedPostgres[];

beforeEach(async () => {
  folder = await temporaryFolder();
  log = rememberingLog();
  servers = [];
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await removeFolder(folder);
});

async function start(options: Partial<Parameters<typeof createEmbeddedPostgres>[0]> = {}): Promise<EmbeddedPostgres> {
  const server = createEmbeddedPostgres({ dataDir: folder, log, durability: 'fast', ...options });
  servers.push(server);
  await server.start();
  return server;
}

/** A copy of the installed package, without its links when npm did not run install scripts. */
async function copyPackage(to: string, { links }: { readonly links: boolean }): Promise<string> {
  const { folder: installed } = await findPackage();
  const filter = async (source: string): Promise<boolean> => links || !(await lstat(source)).isSymbolicLink();
  await cp(installed, to, { recursive: true, verbatimSymlinks: true, filter });
  return to;
}

test('data and port survive an orderly stop', async () => {
  const first = await start();
  await ask(first.superuserUrl.reveal(), 'create table kept as select 1 as n');
  const { port } = first;
  await first.stop();
  await first.stop();
  expect(await stateOf(folder)).toBe('absent');
  const second = await start();
  expect(await ask(second.superuserUrl.reveal(), 'select n from kept')).toEqual([{ n: 1 }]);
  expect(second.port).toBe(port);
  expect(log.events).toEqual(['embedded_postgres.started', 'embedded_postgres.stopped', 'embedded_postgres.started']);
});

test('the server speaks UTF-8 in UTC, asks for a password and listens on this machine only', async () => {
  const server = await start();
  const settings = ['timezone', 'server_encoding', 'listen_addresses', 'password_encryption', 'max_connections'];
  const list = settings.map((name) => `current_setting('${name}') as ${name}`).join(', ');
  expect(await ask(server.superuserUrl.reveal(), `select ${list}`)).toEqual([
    {
      timezone: 'UTC',
      server_encoding: 'UTF8',
      listen_addresses: '127.0.0.1',
      password_encryption: 'scram-sha-256',
      max_connections: '200',
    },
  ]);
  const wrong = `postgresql://postgres:wrong@127.0.0.1:${server.port}/postgres`;
  await expect(ask(wrong, 'select 1')).rejects.toThrow(/password authentication failed/);
});

test('durability is on unless it was given up by name', async () => {
  const server = await start({ durability: 'safe' });
  const [settings] = await ask(
    server.superuserUrl.reveal(),
    `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit`,
  );
  expect(settings).toEqual({ fsync: 'on', commit: 'on' });
});

test('statements and row values stay out of the server log', async () => {
  const server = await start();
  const url = server.superuserUrl.reveal();
  await ask(url, 'create table people (name text unique)');
  await ask(url, `insert into people values ('Ada-private')`);
  await expect(ask(url, `insert into people values ('Ada-private')`)).rejects.toThrow(/duplicate key/);
  expect(readFileSync(path.join(folder, 'postgres-18', 'postgres.log'), 'utf8')).not.toContain('Ada-private');
});

test('a normal user starts it as himself', async (context) => {
  skipUnless(context, IS_ROOT, 'needs root, to become another user');
  const readable = await access('/proc/self/cwd', constants.X_OK).then(() => true);
  skipUnless(context, readable, 'needs /proc');
  await chown(folder, NOBODY, NOBODY);
  const child = await startChild({ dataDir: folder, uid: NOBODY });
  expect(child.failure).toBe('');
  expect(await ask(child.url, 'select 1 as n')).toEqual([{ n: 1 }]);
  await child.stop();
  expect(await stateOf(folder)).toBe('absent');
});

test("another user's data folder is refused in words", async (context) => {
  skipUnless(context, IS_ROOT, 'needs root, to become another user');
  const server = await start();
  await server.stop();
  const child = await startChild({ dataDir: folder, uid: NOBODY });
  expect(child.failure).toMatch(/belongs to uid \d+, and this process is uid 65534: run as that user/);
});

test('root below a closed folder gets a reachable place, and finds it again', async (context) => {
  skipUnless(context, IS_ROOT, 'needs root: others run the server as themselves');
  const closed = path.join(folder, 'closed');
  await mkdir(closed, { mode: 0o700 });
  const packageFolder = await copyPackage(path.join(closed, 'package'), { links: true });
  const options = { dataDir: path.join(closed, 'data'), packageFolder, elsewhere: path.join(folder, 'elsewhere') };
  const first = await start(options);
  await ask(first.superuserUrl.reveal(), 'create table kept as select 1 as n');
  await first.stop();
  const second = await start(options);
  expect(await ask(second.superuserUrl.reveal(), 'select n from kept')).toEqual([{ n: 1 }]);
  expect((await lstat(closed)).mode & 0o777).toBe(0o700);
  expect(await readdir(options.elsewhere)).toHaveLength(1);
});

test('a recorded place that is gone is reported, not replaced by an empty database', async () => {
  await writeFile(path.join(folder, 'postgres-location'), '/nonexistent/tidemark\n');
  await expect(start()).rejects.toThrow(/is in \/nonexistent\/tidemark, and that folder is gone/);
});

test('skipped install scripts do not matter', async () => {
  const packageFolder = await copyPackage(path.join(folder, 'package'), { links: false });
  const server = await start({ packageFolder, dataDir: path.join(folder, 'data') });
  expect(await ask(server.superuserUrl.reveal(), 'select 1 as n')).toEqual([{ n: 1 }]);
});

test('programs unpacked under a strict umask are made runnable in a copy', async () => {
  const packageFolder = await copyPackage(path.join(folder, 'package'), { links: true });
  for (const name of await readdir(path.join(packageFolder, 'native', 'bin')))
    await chmod(path.join(packageFolder, 'native', 'bin', name), 0o600);
  const server = await start({ packageFolder, dataDir: path.join(folder, 'data') });
  expect(await ask(server.superuserUrl.reveal(), 'select 1 as n')).toEqual([{ n: 1 }]);
});

test('a data folder with a long name works', async () => {
  const dataDir = path.join(folder, 'a-very-long-name'.repeat(8));
  const server = await start({ dataDir });
  expect(existsSync(path.join(server.socketFolder, `.s.PGSQL.${server.port}`))).toBe(true);
  const { socketFolder } = server;
  await server.stop();
  expect(existsSync(socketFolder)).toBe(false);
});

test('a server that outlived its killed parent is shared, and stopped by the last one', async () => {
  const child = await startChild({ dataDir: folder });
  await ask(child.url, 'create table kept as select 1 as n');
  await child.kill();
  const server = await start();
  expect(log.events).toEqual(['embedded_postgres.reused']);
  expect(await ask(server.superuserUrl.reveal(), 'select n from kept')).toEqual([{ n: 1 }]);
  await server.stop();
  expect(await stateOf(folder)).toBe('absent');
});

test('a killed server comes back at the same address by itself', async () => {
  const server = await start({ durability: 'safe' });
  const url = server.superuserUrl.reveal();
  await ask(url, 'create table kept as select 1 as n');
  process.kill(postmasterPid(folder), 'SIGKILL');
  await vi.waitUntil(() => log.events.includes('embedded_postgres.recovered'), { timeout: 20_000 });
  expect(await ask(url, 'select n from kept')).toEqual([{ n: 1 }]);
  expect(await server.health?.()).toEqual({ status: 'ok' });
});

test('a server killed together with its parent is recovered by the next start', async () => {
  const child = await startChild({ dataDir: folder });
  await ask(child.url, 'create table kept as select 1 as n');
  await child.kill();
  process.kill(postmasterPid(folder), 'SIGKILL');
  const server = await start();
  expect(log.events).toEqual(['embedded_postgres.recovered']);
  expect(await ask(server.superuserUrl.reveal(), 'select n from kept')).toEqual([{ n: 1 }]);
});

test('a stale pid file is seen through, whether its process is dead or a stranger', async () => {
  const first = await start();
  await first.stop();
  const stranger = spawn('sleep', ['600'], { ...findServerUser(dataFolderOf(folder)), cwd: '/', stdio: 'ignore' });
  onTestFinished(() => void stranger.kill());
  const pidFile = path.join(dataFolderOf(folder), 'postmaster.pid');
  for (const pid of [4_194_000, stranger.pid]) {
    const text = [pid, dataFolderOf(folder), 1_700_000_000, 1, '/tmp', '127.0.0.1', '1 1', 'ready'];
    await writeFile(pidFile, `${text.join('\n')}\n`);
    const server = await start();
    expect(await ask(server.superuserUrl.reveal(), 'select 1 as n')).toEqual([{ n: 1 }]);
    await server.stop();
  }
  expect(stranger.exitCode).toBeNull();
});

test('two processes share one server; the one that started it may leave first', async () => {
  const starter = await startChild({ dataDir: folder });
  const other = await startChild({ dataDir: folder });
  expect([starter.events[0], other.events[0]]).toEqual(['embedded_postgres.started', 'embedded_postgres.reused']);
  await starter.stop();
  expect(await ask(other.url, 'select 1 as n')).toEqual([{ n: 1 }]);
  await other.stop();
  expect(await stateOf(folder)).toBe('absent');
});

test('four processes that begin at once on an empty folder end up with one server', async () => {
  const children = await Promise.all(Array.from({ length: 4 }, () => startChild({ dataDir: folder })));
  const started = children.flatMap(({ events }) => events).filter((event) => event === 'embedded_postgres.started');
  expect(started).toHaveLength(1);
  const answers = await Promise.all(children.map(({ url }) => ask(url, 'select pg_postmaster_start_time() as at')));
  expect(new Set(answers.map((rows) => JSON.stringify(rows))).size).toBe(1);
  await Promise.all(children.map((child) => child.stop()));
  expect(await stateOf(folder)).toBe('absent');
});

test('starts and stops that cross each other never leave anybody without a server', async () => {
  const stays = await start();
  for (let round = 0; round < 5; round++) {
    const comes = createEmbeddedPostgres({ dataDir: folder, log, durability: 'fast' });
    const goes = createEmbeddedPostgres({ dataDir: folder, log, durability: 'fast' });
    await goes.start();
    await Promise.all([goes.stop(), comes.start()]);
    expect(await ask(comes.superuserUrl.reveal(), 'select 1 as n')).toEqual([{ n: 1 }]);
    await comes.stop();
  }
  expect(await stays.health?.()).toEqual({ status: 'ok' });
});

test('the last one out and the next one in, at the same moment, agree', async () => {
  let current = createEmbeddedPostgres({ dataDir: folder, log, durability: 'fast' });
  await current.start();
  for (let round = 0; round < 5; round++) {
    const next = createEmbeddedPostgres({ dataDir: folder, log, durability: 'fast' });
    await Promise.all([current.stop(), next.start()]);
    expect(await ask(next.superuserUrl.reveal(), 'select 1 as n')).toEqual([{ n: 1 }]);
    current = next;
  }
  await current.stop();
});

test('a first start killed halfway leaves nothing that the next one trips over', async () => {
  const child = spawnChild({ dataDir: folder });
  const isInitialising = async (): Promise<boolean> =>
    (await readdir(folder)).some((name) => name.startsWith('postgres-18.'));
  await vi.waitUntil(isInitialising, { timeout: 20_000, interval: 2 });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const server = await start();
  expect(await ask(server.superuserUrl.reveal(), 'select 1 as n')).toEqual([{ n: 1 }]);
  expect((await readdir(folder)).filter((name) => name.startsWith('postgres-18.'))).toEqual([]);
});

test('a platform without binaries is told to set DATABASE_URL', async () => {
  await expect(findPackage({ platform: 'sunos', arch: 'sparc' })).rejects.toMatchObject({
    code: 'embedded_postgres.unavailable',
    message: expect.stringContaining('set DATABASE_URL') as string,
  });
});

test('a fixed port that is taken is named', async () => {
  const holder = createServer();
  holder.listen(0, '127.0.0.1');
  await once(holder, 'listening');
  onTestFinished(() => void holder.close());
  const { port } = holder.address() as AddressInfo;
  await expect(start({ port })).rejects.toThrow(/did not start in .*(could not bind|could not create any TCP)/);
  expect(await stateOf(folder)).toBe('absent');
});
