// `tidemark engine` as an operator uses it: on a running installation, with real processes, from one engine to the other
// and back; and what it says when something is missing.

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, type TestContext } from 'vitest';
import { readEngine, recordEngine } from '../../src/store/settings.ts';
import { ROOT } from '../architecture/source-files.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { killSpawned, spawnCaught, type SpawnedProcess } from '../support/processes/spawned.ts';
import { hasRedisServer, NEEDS_REDIS_SERVER, startRedis, type PrivateRedis } from '../support/redis.ts';
import { skipUnless } from '../support/skip.ts';
import { createSwitchWorld, type SwitchWorld } from '../support/switch-world.ts';
import { waitFor } from '../support/wait.ts';

const PASSWORD = 'canary-5e7c9a';
const database = await createTestDatabase();
const api = database.open('tidemark_api');
let redis: PrivateRedis | undefined;
let world: SwitchWorld | undefined;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-engine-'));
  if (!hasRedisServer()) return;
  redis = await startRedis({ password: PASSWORD });
  world = await createSwitchWorld(database, redis.url);
});
beforeEach((context: TestContext) => skipUnless(context, redis, NEEDS_REDIS_SERVER));
afterEach(killSpawned);
afterAll(async () => {
  await world?.stop();
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
});

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): SpawnedProcess {
  const settings = { PATH: process.env['PATH'] ?? '', ...env };
  const assignments = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return spawnCaught('env', ['-i', ...assignments, process.execPath, path.join(ROOT, 'src/cli/main.ts'), ...args]);
}

/** A command that ended as expected; what it printed. Redis's password is in nothing that anybody prints. */
async function ended(child: SpawnedProcess, exitCode: number): Promise<string> {
  expect(await child.ended, child.output()).toMatchObject({ exitCode });
  expect(child.output()).not.toContain(PASSWORD);
  return child.output();
}

describe('on a server of the owner’s', () => {
  const logins = () => ({
    DATABASE_URL: database.urlOf('tidemark_api'),
    SCHEDULER_DATABASE_URL: database.urlOf('tidemark_scheduler'),
    TIDEMARK_DATA_DIR: folder,
    REDIS_URL: redis!.url.reveal(),
  });

  beforeEach(async () => {
    await database.asSuperuser(`delete from settings where key = 'queue.engine'`);
    await recordEngine(database.open('tidemark_scheduler'), 'pgboss');
  });

  test.each([
    ['an engine that there is not', ['kafka'], {}, 'expected an engine of pgboss, bullmq, got "kafka"'],
    ['a time that is none', ['bullmq', '--timeout', 'soon'], {}, '--timeout: expected a whole number'],
    ['no Redis', ['bullmq'], { REDIS_URL: '' }, 'set REDIS_URL for it, in both directions'],
    ['the api’s login alone', ['bullmq'], { SCHEDULER_DATABASE_URL: '' }, 'set SCHEDULER_DATABASE_URL'],
    ['a wrong password', ['bullmq'], { REDIS_URL: 'redis://:canary-wrong@127.0.0.1:{port}' }, 'REDIS_URL'],
  ])('%s is explained, exits with 2 and changes nothing', async (_name, args, env, message) => {
    const given = Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, value.replace('{port}', String(redis!.port))]),
    );
    const output = await ended(run(['engine', 'switch', ...args], { ...logins(), ...given }), 2);
    expect(output).toContain(message);
    expect(output).not.toContain('canary');
    expect(await readEngine(api)).toBe('pgboss');
  });

  test('a Redis that evicts is refused before anything is recorded', async () => {
    await redis!.do('config', 'set', 'maxmemory-policy', 'allkeys-lru');
    try {
      const output = await ended(run(['engine', 'switch', 'bullmq'], logins()), 2);
      expect(output).toContain('noeviction');
      expect(await readEngine(api)).toBe('pgboss');
      expect(await ended(run(['doctor'], { ...logins(), REDIS_URL: '' }), 0)).toContain('pg-boss in PostgreSQL');
    } finally {
      await redis!.do('config', 'set', 'maxmemory-policy', 'noeviction');
    }
  });

  test('killed in the middle and run again, it leaves no job behind', { timeout: 120_000 }, async () => {
    const jobs = Array.from({ length: 5_000 }, () => ({
      kind: 'credential.refresh' as const,
      payload: { integrationId: randomUUID() },
      userId: null,
    }));
    for (let at = 0; at < jobs.length; at += 1_000)
      await world!.queueOn('pgboss').enqueueMany(jobs.slice(at, at + 1_000));
    const waitingOn = async (engine: 'pgboss' | 'bullmq') =>
      (await world!.drivers[engine].counts('maintenance')).waiting;
    expect(await waitingOn('pgboss')).toBe(jobs.length);

    const killed = run(['engine', 'switch', 'bullmq'], logins());
    await waitFor(() => killed.output().includes('move: '), { timeoutMs: 30_000, what: 'the first jobs to move' });
    killed.kill('SIGKILL');
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
    const before = await waitingOn('bullmq');
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(jobs.length);

    const again = JSON.parse(
      /\{[^]*\}/.exec(await ended(run(['engine', 'switch', 'bullmq', '--json'], logins()), 0))![0],
    );
    expect(again).toMatchObject({ engine: 'bullmq', moved: { ledgered: jobs.length, dead: 0, left: 0 } });
    expect(await waitingOn('bullmq')).toBe(jobs.length);
    expect(await waitingOn('pgboss')).toBe(0);
    const status = await ended(run(['engine'], { ...logins(), REDIS_URL: '' }), 0);
    expect(status).toMatch(/recorded +bullmq\n/);
    expect(status).toMatch(/configured +pgboss \(REDIS_URL is not set\)/);
    expect(status).toContain('5000 admitted');
    expect(status).toContain('they differ');
    const doctor = await ended(run(['doctor'], { ...logins(), REDIS_URL: '' }), 1);
    expect(doctor).toContain('✘ queue engine: this installation runs its queue on bullmq');
    expect(doctor).toContain('✔ row level security');
    await database.asSuperuser('delete from job_ledger');
  });
});

describe('on an installation that runs', () => {
  const settings = (env: Readonly<Record<string, string>> = {}) => ({
    TIDEMARK_DATA_DIR: path.join(folder, 'data'),
    PORT: '0',
    TIDEMARK_DRAIN_MS: '10000',
    ...env,
  });

  async function start(env: Readonly<Record<string, string>> = {}): Promise<SpawnedProcess> {
    const child = run(['start'], settings(env));
    // A new database is made and migrated before that.
    const isReady = () => child.lines().some(({ event, role }) => event === 'process.started' && role === 'supervisor');
    await waitFor(isReady, { timeoutMs: 60_000, what: 'the supervisor and its children to be ready' });
    return child;
  }

  test('its processes end with 2, and go on where they were on the new engine', { timeout: 300_000 }, async () => {
    const REDIS_URL = redis!.url.reveal();
    const onPgBoss = await start();
    expect(await ended(run(['engine'], settings()), 0)).toMatch(/workers alive +1 on pgboss/);
    const there = await ended(run(['engine', 'switch', 'bullmq'], settings({ REDIS_URL })), 0);
    expect(there).toContain('the queue runs on bullmq now');
    expect(there).toContain('start every process with REDIS_URL');
    await ended(onPgBoss, 2);

    const refused = await ended(run(['start'], settings()), 2);
    expect(refused).toContain('tidemark engine switch pgboss');
    const onBullMq = await start({ REDIS_URL });
    expect(await ended(run(['users', 'list'], settings()), 2)).toContain('set REDIS_URL');
    expect(await ended(run(['users', 'list'], settings({ REDIS_URL })), 0)).toContain('email');
    const doctor = await ended(run(['doctor'], settings({ REDIS_URL })), 0);
    expect(doctor).toMatch(/! queue engine: BullMQ on Redis \d[\d.]+, noeviction, no persistence/);
    expect(doctor).toContain('set appendonly yes');

    const back = await ended(run(['engine', 'switch', 'pgboss', '--json'], settings({ REDIS_URL })), 0);
    expect(JSON.parse(/\{[^]*\}/.exec(back)![0])).toMatchObject({ engine: 'pgboss', moved: { left: 0 } });
    await ended(onBullMq, 2);
    const again = await start();
    again.kill('SIGTERM');
    await ended(again, 0);
  });
});
