// Which engine an installation runs on: recorded by the first process, whatever its role, and a reason to end for every
// process that is configured for another one.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { QueueEngine } from '../../src/core/queue-engines.ts';
import { claimEngine, readEngine, recordEngine, writeSetting } from '../../src/store/settings.ts';
import { listWorkersOffEngine } from '../../src/store/workers.ts';
import { ROOT } from '../architecture/source-files.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { killSpawned, spawnCaught, type SpawnedProcess } from '../support/processes/spawned.ts';
import { waitFor } from '../support/wait.ts';

const database = await createTestDatabase();
const api = database.open('tidemark_api');
const scheduler = database.open('tidemark_scheduler');
const worker = database.open('tidemark_worker');
/** Nobody listens there: a process must refuse before it would have to connect. */
const REDIS_URL = 'redis://:canary-5e7c9a@127.0.0.1:1/0';
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tidemark-engine-'));
});
beforeEach(async () => {
  await database.asSuperuser(`delete from settings where key = 'queue.engine'`);
});
afterEach(killSpawned);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const LOGINS = { worker: 'tidemark_worker', api: 'tidemark_api', scheduler: 'tidemark_scheduler' } as const;
type Role = keyof typeof LOGINS;

function spawnWith(script: string, args: readonly string[], env: Record<string, string>): SpawnedProcess {
  const settings = {
    PATH: process.env['PATH'] ?? '',
    TIDEMARK_DATA_DIR: folder,
    TIDEMARK_DRAIN_MS: '5000',
    PORT: '0',
    ...env,
  };
  const assignments = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return spawnCaught('env', ['-i', ...assignments, process.execPath, path.join(ROOT, script), ...args]);
}

/** A long-running process of one role, as the supervisor starts it. */
function startRole(role: Role, env: Record<string, string> = {}): SpawnedProcess {
  return spawnWith('workers/main.ts', [role], { DATABASE_URL: database.urlOf(LOGINS[role]), ...env });
}

describe('the first record', () => {
  test.each([
    ['api', api],
    ['scheduler', scheduler],
    ['worker', worker],
  ])('may be made by the %s, and is then compared', async (_role, db) => {
    await claimEngine(db, 'bullmq');
    await claimEngine(db, 'bullmq');
    expect(await readEngine(db)).toBe('bullmq');
    await expect(claimEngine(db, 'pgboss')).rejects.toMatchObject({
      code: 'config.invalid',
      details: { recorded: 'bullmq', configured: 'pgboss' },
    });
  });

  test('has one winner when many start at the same moment', async () => {
    const claims = Array.from({ length: 24 }, async (_, index): Promise<QueueEngine | null> => {
      const engine = index % 2 === 0 ? 'pgboss' : 'bullmq';
      try {
        await claimEngine([api, scheduler, worker][index % 3]!, engine);
        return engine;
      } catch (error) {
        if (error instanceof AppError && error.code === 'config.invalid') return null;
        throw error;
      }
    });
    const winners = new Set((await Promise.all(claims)).filter((engine) => engine !== null));
    expect([...winners]).toEqual([await readEngine(api)]);
  });

  test('is changed by the scheduler alone', async () => {
    await claimEngine(api, 'pgboss');
    for (const db of [api, worker, database.open('tidemark_readonly')]) {
      await expect(recordEngine(db, 'bullmq')).rejects.toMatchObject({ code: 'db.forbidden' });
      await expect(writeSetting(db, 'queue.engine', 'bullmq', new Date())).rejects.toMatchObject({
        code: 'db.forbidden',
      });
    }
    await expect(claimEngine(database.open('tidemark_readonly'), 'pgboss')).rejects.toMatchObject({
      code: 'db.forbidden',
    });
    expect(await readEngine(api)).toBe('pgboss');
    expect(await recordEngine(scheduler, 'bullmq')).toBeLessThan(1_000);
    expect(await readEngine(api)).toBe('bullmq');
  });

  test('can only be an engine that there is', async () => {
    await expect(claimEngine(api, 'kafka' as QueueEngine)).rejects.toMatchObject({ code: 'db.constraint' });
    await expect(api.query('select claim_queue_engine(null)')).rejects.toMatchObject({ code: 'db.constraint' });
    expect(await readEngine(api)).toBeNull();
  });

  test('keeps the instant at which the engine became another one', async () => {
    await recordEngine(scheduler, 'bullmq');
    await database.asSuperuser(`update settings set updated_at = now() - interval '1 hour' where key = 'queue.engine'`);
    expect(await recordEngine(scheduler, 'bullmq')).toBeGreaterThan(3_599_000);
    expect(await recordEngine(scheduler, 'pgboss')).toBeLessThan(1_000);
  });
});

describe('a process that is configured for another engine', () => {
  test.each(['api', 'scheduler', 'worker'] as const)('%s does not start and exits with 2', async (role) => {
    await claimEngine(api, 'pgboss');
    const child = startRole(role, { REDIS_URL });
    expect(await child.ended, child.output()).toMatchObject({ exitCode: 2 });
    expect(child.output()).toContain('runs its queue on pgboss, and this process is configured for bullmq');
    expect(child.output()).toContain('unset REDIS_URL');
    expect(child.output()).toContain('tidemark engine switch bullmq');
    expect(child.output()).not.toContain('canary');
  });

  test('a worker without Redis is told which engine the others have', async () => {
    await claimEngine(api, 'bullmq');
    const child = startRole('worker');
    expect(await child.ended, child.output()).toMatchObject({ exitCode: 2 });
    expect(child.output()).toContain('set REDIS_URL');
  });

  test('a command is refused with 2 and the same words', async () => {
    await claimEngine(api, 'bullmq');
    const child = spawnWith('src/cli/main.ts', ['users', 'list'], { DATABASE_URL: database.urlOf('tidemark_api') });
    expect(await child.ended).toMatchObject({ exitCode: 2 });
    expect(child.output()).toMatch(/^tidemark: this installation runs its queue on bullmq, .*\[config\.invalid\]\n$/);
  });
});

describe('a running process', () => {
  test.each(['api', 'scheduler', 'worker'] as const)('%s ends with 2 when the engine is switched', async (role) => {
    const child = startRole(role);
    await child.logged('process.started');
    expect(await readEngine(api)).toBe('pgboss');
    await recordEngine(scheduler, 'bullmq');
    expect(await child.ended, child.output()).toMatchObject({ exitCode: 2 });
    await child.logged('engine.switched');
    await child.logged('process.stopped');
  });

  test('says as a worker which engine it claims from, until it is gone', async () => {
    const child = startRole('worker');
    await child.logged('worker.registered');
    const workers = await listWorkersOffEngine(scheduler, 'bullmq', 10_000);
    expect(workers.map(({ pid }) => pid)).toEqual([expect.any(Number)]);
    expect(await listWorkersOffEngine(scheduler, 'pgboss', 10_000)).toEqual([]);
    await recordEngine(scheduler, 'bullmq');
    await waitFor(async () => (await listWorkersOffEngine(scheduler, 'bullmq', 10_000)).length === 0, {
      what: 'the worker to say goodbye',
    });
  });

  test(
    'with all its children: the supervisor ends with 2 and starts none of them again',
    { timeout: 60_000 },
    async () => {
      const login = new URL(inject('cluster').superuserUrl);
      login.pathname = `/${database.name}`;
      const start = spawnWith('src/cli/main.ts', ['start'], { DATABASE_URL: login.href });
      const isReady = () =>
        start.lines().some(({ event, role }) => event === 'process.started' && role === 'supervisor');
      await waitFor(isReady, { timeoutMs: 40_000, what: 'the supervisor and its children to be ready' });
      await recordEngine(scheduler, 'bullmq');
      expect(await start.ended, start.output()).toMatchObject({ exitCode: 2 });
      expect(start.lines().filter(({ event }) => event === 'process.child_exited')).toEqual([]);
    },
  );
});
