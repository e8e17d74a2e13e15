import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load-config.ts';
import { ROOT } from '../architecture/source-files.ts';
import { guideBlocks, hasProgram, parseEnvFile, readCompose, readDockerfile } from '../support/deployment.ts';
import { skipUnless } from '../support/skip.ts';

const run = promisify(execFile);

const { text, services, networks } = await readCompose();
const dockerfile = await readDockerfile();
const OURS = ['api', 'scheduler', 'worker'] as const;
const ONE_SHOT = ['roles', 'migrate'];
const all = Object.entries(services);

describe('docker-compose.yml', () => {
  test('names the parts: databases, one-shot roles and migrations, and the three roles', () => {
    expect(Object.keys(services).sort()).toEqual(['postgres', 'redis', ...ONE_SHOT, ...OURS].sort());
    expect(all.filter(([, { restart }]) => restart === 'no').map(([name]) => name)).toEqual(ONE_SHOT);
  });

  test('every part that stays has a health check, and waits for what it needs', () => {
    const unchecked = all.filter(([name, { healthcheck }]) => !ONE_SHOT.includes(name) && !healthcheck?.test);
    expect(unchecked).toEqual([]);
    expect(services['migrate']!.depends_on).toEqual({ roles: { condition: 'service_completed_successfully' } });
    for (const name of OURS)
      expect(services[name]!.depends_on).toEqual({
        migrate: { condition: 'service_completed_successfully' },
        redis: { condition: 'service_healthy', required: false },
      });
  });

  test('each role has a login of its own, and only the worker the secret keys', () => {
    const urls = OURS.map((name) => services[name]!.environment!['DATABASE_URL']!.replaceAll(/\$\{[^}]+\}/g, 'x'));
    expect(urls.map((url) => new URL(url).username)).toEqual(['tidemark_api', 'tidemark_scheduler', 'tidemark_worker']);
    const holders = all.filter(([, service]) => /SECRET_KEYS|vault-keys/.test(JSON.stringify(service)));
    expect(holders.map(([name]) => name)).toEqual(['worker']);
  });

  test('no secret stands in the file or in the arguments of a process', () => {
    const given = all.flatMap(([, { environment = {} }]) => Object.entries(environment));
    const secret = given.flatMap(([name, value]) => [
      ...(/PASSWORD|AUTH|KEYS$/.test(name) ? [value] : []),
      ...((/^\w+:\/\/[^:]*:(.+)@/.exec(value)?.[1] ?? '') ? [/^\w+:\/\/[^:]*:(.+)@/.exec(value)![1]!] : []),
    ]);
    expect(secret.length).toBeGreaterThan(10);
    expect(secret.filter((value) => !/^\$\{\w+:(\?|-)\}$/.test(value))).toEqual([]);
    const words = all.flatMap(([, { command = [], healthcheck }]) => [...command, ...(healthcheck?.test ?? [])]);
    expect(words.filter((word) => /(?<!\$)\$\{/.test(word))).toEqual([]);
  });

  test('workers can be many, and nothing is published but the api, to this machine', () => {
    const published = all.filter(([, { ports }]) => ports !== undefined);
    expect(published.map(([name]) => name)).toEqual(['api']);
    expect(published[0]![1].ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
    expect(all.filter(([, service]) => service.container_name !== undefined)).toEqual([]);
    expect(services['worker']!.deploy!.replicas).toBe('${TIDEMARK_WORKERS:-1}');
  });

  test('databases are reached from inside only', () => {
    expect(networks['inside']).toEqual({ internal: true });
    const outside = all.filter(([, service]) => service.networks!.includes('outside'));
    expect(outside.map(([name]) => name)).toEqual(['api', 'worker']);
  });

  test('our processes run on a read-only root without any capability, and nobody runs as root who need not', () => {
    for (const name of [...OURS, ...ONE_SHOT, 'redis'])
      expect(services[name], name).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
    expect(all.flatMap(([, { user }]) => user ?? [])).toEqual(['redis', 'postgres']);
  });

  test('what is in hand has longer to end than the drain takes', () => {
    const { drainMs } = loadConfig({}, { cwd: '/', isRoot: false });
    for (const name of OURS) {
      const graceMs = Number(/^(\d+)s$/.exec(services[name]!.stop_grace_period!)![1]) * 1_000;
      // The parent kills a child that is late, and has a database of its own to stop.
      expect(graceMs, name).toBeGreaterThanOrEqual(drainMs + 15_000);
    }
  });
});

describe('Dockerfile', () => {
  test('ends on a slim Node 24, as somebody unprivileged, without optional packages', () => {
    expect(dockerfile.of('FROM')).toEqual(['node:24-slim AS packages', 'node:24-slim']);
    expect(dockerfile.of('USER')).toEqual(['node']);
    expect(dockerfile.of('RUN')[0]).toBe('npm ci --omit=dev --omit=optional --ignore-scripts');
    expect(dockerfile.of('STOPSIGNAL')).toEqual(['SIGTERM']);
  });

  test('copies what is there, and nothing that the build does not get', async () => {
    const ignore = (await readFile(path.join(ROOT, '.dockerignore'), 'utf8')).split('\n');
    for (const source of dockerfile.sources) {
      expect((await stat(path.join(ROOT, source))).size, source).toBeGreaterThan(0);
      expect(ignore, source).toContain(`!${source}`);
    }
  });

  test('starts and checks by commands without a shell, which would keep signals to itself', () => {
    const commands = [
      ...dockerfile.of('ENTRYPOINT'),
      ...dockerfile.of('CMD'),
      /CMD (.*)$/.exec(dockerfile.of('HEALTHCHECK')[0]!)![1]!,
    ];
    expect(commands.map((command) => Array.isArray(JSON.parse(command)))).toEqual([true, true, true]);
  });
});

describe('the guide', () => {
  test('its first two steps give every variable that the compose file asks for, but the keys', async (context) => {
    skipUnless(context, await hasProgram('openssl'), 'needs openssl');
    const folder = await mkdtemp(path.join(tmpdir(), 'tm-guide-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const [passwords = '', engine = ''] = await guideBlocks();
    await run('sh', ['-c', passwords + engine], { cwd: folder });
    const file = path.join(folder, '.env');
    expect((await stat(file)).mode & 0o077).toBe(0);
    const env = parseEnvFile(await readFile(file, 'utf8'));
    const asked = new Set([...text.matchAll(/(?<!\$)\$\{(\w+):\?\}/g)].map((match) => match[1]!));
    expect([...asked].filter((name) => env[name] === undefined)).toEqual(['TIDEMARK_PUBLIC_KEYS']);
    expect(new URL(env['REDIS_URL']!).password).toBe(env['REDIS_PASSWORD']);
  });

  test('its service unit is one that systemd accepts', async (context) => {
    skipUnless(context, await hasProgram('systemd-analyze'), 'needs systemd-analyze');
    const unit = path.join(ROOT, 'deploy/tidemark@.service');
    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]);
    expect(stdout + stderr).not.toContain('tidemark@');
  });
});
