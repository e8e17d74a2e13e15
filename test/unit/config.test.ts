import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { loadConfig, type Config } from '../../src/config/load-config.ts';
import { renderEnvExample } from '../../src/config/render-env-example.ts';
import { roleEnvironment } from '../../src/config/role-environment.ts';
import { VARIABLES } from '../../src/config/schema.ts';
import type { Variable } from '../../src/config/variable.ts';
import { AppError } from '../../src/core/errors.ts';
import { KEEP_DEFAULTS } from '../../src/core/keep-policy.ts';

const HOST = { cwd: '/srv/app', isRoot: false };

function load(env: NodeJS.ProcessEnv): Config {
  return loadConfig(env, HOST);
}

function problemsOf(env: NodeJS.ProcessEnv): AppError {
  try {
    load(env);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('expected the environment to be refused');
}

describe('an empty environment', () => {
  test('gives the documented defaults', () => {
    expect(load({})).toEqual({
      database: {
        mode: 'embedded',
        url: undefined,
        directUrl: undefined,
        ownerUrl: undefined,
        readUrl: undefined,
        schedulerUrl: undefined,
      },
      queue: { engine: 'pgboss', redisUrl: undefined, allowEviction: false },
      http: { host: '127.0.0.1', port: 8080, trustedProxies: [], ratePerMinute: 6_000 },
      dataDir: '/srv/app/.tidemark',
      keys: {
        publicKeys: undefined,
        secretKeysFile: undefined,
        webhookKeysFile: '/srv/app/.tidemark/secrets/webhook-keys.json',
        backupDays: 30,
      },
      egressAllow: [],
      egressId: 'default',
      logLevel: 'info',
      baseUrls: {},
      limits: {},
      retention: {},
      keep: KEEP_DEFAULTS,
      worker: {
        concurrency: 50,
        heapMb: 384,
        heartbeatMs: 500,
        leaseTtlMs: 2_000,
        maxBlockedMs: 60_000,
        sliceMs: 300_000,
      },
      scheduler: { tickMs: 1_000 },
      drainMs: 30_000,
    });
  });

  test('puts the data of root where an unprivileged server can reach it', () => {
    expect(loadConfig({}, { cwd: '/root/clone', isRoot: true }).dataDir).toBe('/var/lib/tidemark');
  });

  test('is what a file of empty values means', () => {
    const empty = Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, '']));
    expect(load(empty)).toEqual(load({}));
  });
});

describe('a full environment', () => {
  const url = 'postgres://app:s3cret@db:5432/tidemark';

  test('is read into its groups', () => {
    const config = load({
      DATABASE_URL: url,
      READ_DATABASE_URL: 'postgres://ro:other@replica/tidemark',
      PORT: '0',
      TIDEMARK_DATA_DIR: 'data',
      TIDEMARK_SECRET_KEYS_FILE: '/etc/keys.json',
      UPWORK_BASE_URL: 'http://127.0.0.1:9000/upwork/',
      TIDEMARK_LIMITS: '{"upwork.api":{"requests":6000,"burst":500}}',
    });
    expect(config.database.mode).toBe('external');
    expect(config.database.url?.reveal()).toBe(url);
    expect(config.database.directUrl?.reveal()).toBe(url);
    expect(config.database.readUrl?.reveal()).toBe('postgres://ro:other@replica/tidemark');
    expect(config.http.port).toBe(0);
    expect(config.dataDir).toBe('/srv/app/data');
    expect(config.keys.secretKeysFile).toBe('/etc/keys.json');
    expect(config.baseUrls).toEqual({ upwork: 'http://127.0.0.1:9000/upwork' });
    expect(config.limits).toEqual({ 'upwork.api': { requests: 6000, burst: 500 } });
  });

  test("may consist of the owner's login alone", () => {
    const { database } = load({ OWNER_DATABASE_URL: url });
    expect([database.mode, database.url?.reveal(), database.schedulerUrl?.reveal()]).toEqual(['external', url, url]);
  });

  test('is frozen to its leaves', () => {
    const config = load({ TIDEMARK_LIMITS: '{"upwork.api":{"burst":1}}' });
    const leaves = [config, config.database, config.worker, config.limits, config.limits['upwork.api']];
    expect(leaves.every((part) => Object.isFrozen(part))).toBe(true);
  });

  test('never prints its secrets', () => {
    const config = load({ DATABASE_URL: url, REDIS_URL: 'redis://:s3cret@cache:6379/0' });
    expect(JSON.stringify(config) + inspect(config, { depth: 9 })).not.toContain('s3cret');
  });

  test.each([
    'redis://cache',
    'rediss://user:pw@cache:6380/2',
    'redis-cluster://a:7000,b:7001',
    'redis-sentinel://a:26379,b/main',
  ])('runs on BullMQ with the Redis address %s', (address) => {
    const { engine, redisUrl } = load({ REDIS_URL: address }).queue;
    expect([engine, redisUrl?.reveal()]).toEqual(['bullmq', address]);
  });

  test('may accept a Redis that evicts keys', () => {
    expect(load({ TIDEMARK_REDIS_ALLOW_EVICTION: 'true' }).queue.allowEviction).toBe(true);
  });

  test.each(['postgresql:///tidemark?host=/run/postgresql', 'postgres://me:pw@/tidemark?host=/run/postgresql'])(
    'accepts the unix socket %s',
    (address) => {
      expect(load({ DATABASE_URL: address }).database.url?.reveal()).toBe(address);
    },
  );
});

describe('a wrong environment', () => {
  test('is refused once, with every problem on a line of its own', () => {
    const error = problemsOf({ PORT: '99999', LOG_LEVEL: 'loud', TIDEMARK_DRAIN_MS: '-1', REDIS_URL: 'http://x' });
    expect(error.code).toBe('config.invalid');
    expect(error.message).toBe(
      [
        'the environment has 4 problems:',
        '  REDIS_URL: expected redis://, rediss://, redis-cluster://host,host or redis-sentinel://host,host/name, got a value that is not shown',
        '  PORT: expected a whole number from 0 to 65535, got "99999"',
        '  LOG_LEVEL: expected one of debug, info, warn, error, silent, got "loud"',
        '  TIDEMARK_DRAIN_MS: expected a whole number from 0 to 86400000, got "-1"',
      ].join('\n'),
    );
  });

  test.each(Object.entries(VARIABLES).filter(([, spec]: [string, Variable<unknown>]) => spec.secret))(
    'never repeats the value of %s',
    (name) => {
      expect(problemsOf({ [name]: 'mysql://root:hunter2@db' }).message).not.toMatch(/hunter2|mysql/);
    },
  );

  test('does not repeat credentials in an address that should have none', () => {
    const { message, details } = problemsOf({ OZON_BASE_URL: 'https://me:hunter2@proxy' });
    expect(message).toContain('OZON_BASE_URL');
    expect(message + JSON.stringify(details)).not.toContain('hunter2');
  });

  test('names each network for the way out that is none, beside what else is wrong', () => {
    const { message, details } = problemsOf({
      TIDEMARK_EGRESS_ALLOW: '10.0.0.0/8,10.1.0.0/99, 10.0.0.1,,x',
      PORT: '-1',
    });
    expect(message).toContain('(10.1.0.0/99 is no network; 10.0.0.1 is no network; entry 4 is no network; x is no');
    expect(message).toContain('PORT: expected');
    expect(details['problems']).toHaveLength(2);
    expect(problemsOf({ TIDEMARK_EGRESS_ALLOW: 'https://me:hunter2@proxy' }).message).not.toContain('hunter2');
  });

  test('has a suggestion for a misspelt name', () => {
    expect(problemsOf({ TIDEMARK_WORKER_CONCURENCY: '5' }).message).toContain(
      'TIDEMARK_WORKER_CONCURENCY: expected TIDEMARK_WORKER_CONCURRENCY (did you mean that?)',
    );
    expect(problemsOf({ TIDEMARK_XYZZY_PLUGH: '5' }).message).toContain('a variable listed in .env.example');
  });

  test('is not what Kubernetes tells about a service of our name', () => {
    const links = {
      TIDEMARK_SERVICE_HOST: '10.0.0.1',
      TIDEMARK_SERVICE_PORT_HTTP: '80',
      TIDEMARK_PORT: 'tcp://10.0.0.1:80',
      TIDEMARK_API_PORT_80_TCP_ADDR: '10.0.0.1',
    };
    expect(() => load(links)).not.toThrow();
    expect(() => load({ TIDEMARK_PORT: '8081' })).toThrow(/TIDEMARK_PORT/);
  });

  test('says where inside a structured value it went wrong', () => {
    expect(problemsOf({ TIDEMARK_LIMITS: '{"upwork.api":{"requests":0}}' }).message).toContain('upwork.api.requests');
    expect(problemsOf({ TIDEMARK_LIMITS: '{"upwork.api":{"reqests":1}}' }).message).toContain('reqests');
    expect(problemsOf({ TIDEMARK_LIMITS: '{' }).message).toContain('this is not JSON');
  });

  test.each([
    ['a login beside no database', { READ_DATABASE_URL: 'postgres://ro@db/x' }, 'READ_DATABASE_URL'],
    ['a lease shorter than two heartbeats', { TIDEMARK_HEARTBEAT_MS: '1500' }, 'TIDEMARK_LEASE_TTL_MS'],
    ['a number with a unit', { PORT: '8080px' }, 'PORT'],
    ['a switch that is neither on nor off', { TIDEMARK_REDIS_ALLOW_EVICTION: 'yes' }, 'expected true or false'],
    ['a public key of the wrong length', { TIDEMARK_PUBLIC_KEYS: '0123456789abcdef:AAAA' }, 'TIDEMARK_PUBLIC_KEYS'],
    ['a database that is not Postgres', { DATABASE_URL: 'mysql://db/x' }, 'DATABASE_URL'],
  ])('can be %s', (_case, env, variable) => {
    expect(problemsOf(env).message).toContain(variable);
  });
});

describe('the example file', () => {
  test('is what the schema says today', () => {
    expect(readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')).toBe(renderEnvExample());
  });

  test('shows a valid value for every variable', () => {
    const examples = Object.entries(VARIABLES).map(([name, { example }]) => [name, example]);
    expect(() => load(Object.fromEntries(examples))).not.toThrow();
  });

  test('documents every variable in one sentence', () => {
    for (const [name, spec] of Object.entries(VARIABLES) as [string, Variable<unknown>][]) {
      expect(spec.about, name).toMatch(/^[A-Z].+\.$/);
      expect(spec.default ?? spec.unset, name).toBeTypeOf('string');
      expect(renderEnvExample()).toContain(`\n# ${name}=`);
    }
  });
});

test("a child process gets its own login and none of the others' secrets", () => {
  const env = { PATH: '/bin', DATABASE_URL: 'a', OWNER_DATABASE_URL: 'b', TIDEMARK_SECRET_KEYS_FILE: 'c' };
  const own = { DATABASE_URL: 'd' };
  expect(roleEnvironment('front', own, env)).toEqual({ PATH: '/bin', DATABASE_URL: 'd' });
  expect(roleEnvironment('worker', own, env)).toEqual({
    PATH: '/bin',
    DATABASE_URL: 'd',
    TIDEMARK_SECRET_KEYS_FILE: 'c',
  });
});

test('every process gets the Redis of the queue', () => {
  const env = { REDIS_URL: 'redis://:pw@cache', TIDEMARK_REDIS_ALLOW_EVICTION: 'true' };
  for (const role of ['api', 'scheduler', 'front', 'worker'] as const)
    expect(load(roleEnvironment(role, {}, env)).queue).toEqual(load(env).queue);
});

test("a child process of one with only the owner's login stays on that database", () => {
  const env = roleEnvironment('worker', {}, { OWNER_DATABASE_URL: 'postgres://owner@db/tidemark' });
  expect(load(env).database).toMatchObject({ mode: 'external' });
  expect(load(roleEnvironment('worker', { DATABASE_URL: 'postgres://w@db/x' }, env)).database.url?.reveal()).toBe(
    'postgres://w@db/x',
  );
});
