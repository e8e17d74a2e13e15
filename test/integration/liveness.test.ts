import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Database } from '../../src/db/database.ts';
import { createReaper } from '../../src/scheduler/reaper.ts';
import type { LostWorker } from '../../src/store/workers.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createLiveness, DECLARED_DEAD_EXIT_CODE } from '../../workers/liveness.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let pg: TestDatabase;
let scheduler: Database;
const cleanups: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  pg = await createTestDatabase();
  scheduler = pg.open('tidemark_scheduler');
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

interface Child {
  readonly process: ChildProcess;
  readonly workerId: string;
}

async function startWorker(maxBlockedMs = 30_000): Promise<Child> {
  const file = new URL('../support/liveness-child.ts', import.meta.url);
  const child = fork(file, [pg.urlOf('tidemark_worker'), String(maxBlockedMs)], { execArgv: [] });
  cleanups.push(() => void child.kill('SIGKILL'));
  const [workerId] = (await once(child, 'message')) as [string];
  return { process: child, workerId };
}

/** A reaper whose verdicts are kept. */
async function startReaper(): Promise<{ dead: LostWorker[] }> {
  const dead: LostWorker[] = [];
  const reaper = createReaper({
    db: scheduler,
    clock: systemClock,
    log: silentLog,
    takeOver: () => Promise.resolve(0),
    leaseTtlMs: 1_500,
    onDead: (worker) => dead.push(worker),
  });
  await reaper.start();
  cleanups.push(() => reaper.stop());
  return { dead };
}

async function statusOf(workerId: string): Promise<string> {
  const { rows } = await scheduler.query<{ status: string }>('select status from workers where id = $1', [workerId]);
  return rows[0]?.status ?? 'unknown';
}

const becomes = (workerId: string, status: string) =>
  expect.poll(() => statusOf(workerId), { timeout: 10_000, interval: 25 }).toBe(status);

/** Between the last sign of life and the verdict, by the database's clock, in milliseconds. */
async function silenceBeforeVerdict(workerId: string): Promise<number> {
  const { rows } = await scheduler.query<{ ms: number }>(
    'select (extract(epoch from stopped_at - heartbeat_at) * 1000)::int as ms from workers where id = $1',
    [workerId],
  );
  return rows[0]!.ms;
}

describe('a worker process', () => {
  it('killed by SIGKILL is declared dead within 3 s', async () => {
    const worker = await startWorker();
    await startReaper();
    worker.process.kill('SIGKILL');
    await becomes(worker.workerId, 'dead');
    expect(await silenceBeforeVerdict(worker.workerId)).toBeLessThan(3_000);
  });

  it('stopped by SIGSTOP is declared dead, and leaves with exit code 75 when it wakes', async () => {
    const worker = await startWorker();
    await startReaper();
    worker.process.kill('SIGSTOP');
    await becomes(worker.workerId, 'dead');
    const exited = once(worker.process, 'exit');
    worker.process.kill('SIGCONT');
    expect(await exited).toEqual([DECLARED_DEAD_EXIT_CODE, null]);
    expect(await statusOf(worker.workerId)).toBe('dead');
  });

  it('whose event loop computes for 3 s stays alive', async () => {
    const worker = await startWorker();
    const { dead } = await startReaper();
    const done = once(worker.process, 'message');
    worker.process.send(3_000);
    await done;
    expect(dead).toEqual([]);
    expect(await statusOf(worker.workerId)).toBe('alive');
  });

  it('blocked for longer than it may be is declared dead while it still computes', async () => {
    const worker = await startWorker(400);
    await startReaper();
    const exited = once(worker.process, 'exit');
    worker.process.send(6_000);
    await becomes(worker.workerId, 'dead');
    expect(worker.process.exitCode).toBeNull();
    expect(await exited).toEqual([DECLARED_DEAD_EXIT_CODE, null]);
  });

  it('that stops says so, and its process can end', async () => {
    const worker = await startWorker();
    const exited = once(worker.process, 'exit');
    worker.process.send(0);
    expect(await exited).toEqual([0, null]);
    expect(await statusOf(worker.workerId)).toBe('stopped');
  });
});

describe('liveness as a service', () => {
  it('outlives its connection being cut', async () => {
    let died = false;
    const liveness = createLiveness({
      databaseUrl: new Secret(pg.urlOf('tidemark_worker')),
      concurrency: 4,
      engine: 'pgboss',
      log: silentLog,
      onDead: () => void (died = true),
      heartbeatMs: 50,
    });
    await liveness.start();
    await pg.asSuperuser(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tidemark-liveness'`,
    );
    const cutAt = (await scheduler.query<{ at: Date }>('select clock_timestamp() as at')).rows[0]!.at;
    const beat = async (): Promise<boolean> => {
      const { rows } = await scheduler.query<{ fresh: boolean }>(
        'select heartbeat_at > $2 as fresh from workers where id = $1',
        [liveness.workerId, cutAt],
      );
      return rows[0]!.fresh;
    };
    await expect.poll(beat).toBe(true);
    await liveness.stop();
    await liveness.stop();
    expect(died).toBe(false);
    expect(await statusOf(liveness.workerId)).toBe('stopped');
  });

  it('keeps trying while the database cannot be reached, and stops when asked to', async () => {
    const liveness = createLiveness({
      databaseUrl: new Secret('postgres://nobody@127.0.0.1:1/none'),
      concurrency: 1,
      engine: 'pgboss',
      log: silentLog,
      onDead: () => undefined,
      heartbeatMs: 20,
    });
    const started = liveness.start();
    await expect.poll(() => liveness.health?.()).toMatchObject({ status: 'degraded' });
    await Promise.all([expect(started).rejects.toMatchObject({ code: 'service.start_failed' }), liveness.stop()]);
  });
});
