import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import type { Database } from '../../src/db/database.ts';
import type { Loop } from '../../src/lifecycle/loop.ts';
import { claimDue } from '../../src/scheduler/claim-due.ts';
import { createReaper, reap, type ReaperOptions } from '../../src/scheduler/reaper.ts';
import { listRuns } from '../../src/store/run-views.ts';
import { beatWorker, markWorkerStopped, pruneWorkers, registerWorker } from '../../src/store/workers.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  arrangeIntegration,
  createLedgerQueue,
  createRecordingLog,
  createTestClock,
  type TestClock,
} from '../support/scheduling.ts';

let pg: TestDatabase;
let api: Database;
let scheduler: Database;
let worker: Database;
let clock: TestClock;
let takenOver: string[][];
let options: ReaperOptions;

beforeAll(async () => {
  pg = await createTestDatabase();
  api = pg.open('tidemark_api');
  scheduler = pg.open('tidemark_scheduler');
  worker = pg.open('tidemark_worker');
});

beforeEach(async () => {
  await pg.asSuperuser(
    'delete from users; delete from job_ledger; delete from workers; delete from tidemark_private.leases',
  );
  clock = createTestClock('2026-05-04T10:00:00Z');
  takenOver = [];
  options = {
    db: scheduler,
    clock,
    log: createRecordingLog(),
    takeOver: (ids) => {
      takenOver.push([...ids]);
      return Promise.resolve(ids.length);
    },
  };
});

async function arrangeWorker(): Promise<string> {
  const id = uuidv7();
  await registerWorker(worker, {
    id,
    hostname: 'h',
    pid: 1,
    concurrency: 1,
    engine: 'pgboss',
    keys: { keyIds: [], sealsTo: null },
  });
  return id;
}

const fallSilent = (id: string) =>
  pg.asSuperuser(`update workers set heartbeat_at = clock_timestamp() - interval '1 minute' where id = $1`, [id]);

/** A worker in the middle of a run: job active, lease acquired, stream held, run running. */
async function arrangeWork(): Promise<{ workerId: string; integrationId: string; token: string }> {
  const { id: integrationId } = await arrangeIntegration(api, { now: clock.now() });
  const queue = createLedgerQueue(scheduler, clock);
  await claimDue({ db: scheduler, queue, clock, log: createRecordingLog() }, new AbortController().signal);
  const workerId = await arrangeWorker();
  const { rows: jobs } = await worker.query<{ id: string }>(
    `update job_ledger set state = 'active', worker_id = $1 where user_id = (select user_id from job_ledger order by created_at limit 1) returning id`,
    [workerId],
  );
  const { rows } = await worker.query<{ token: string }>('select acquire_lease($1, $2) as token', [
    jobs[0]!.id,
    workerId,
  ]);
  const { token } = rows[0]!;
  await worker.tx({ kind: 'lease', token }, async (tx) => {
    await tx.query('update integration_streams set fence = fence + 1, lease_worker = $1, lease_token = $2', [
      workerId,
      token,
    ]);
    await tx.query(`update sync_logs set status = 'running', started_at = created_at`);
  });
  return { workerId, integrationId, token };
}

describe('the reaper', () => {
  it('frees everything a silent worker held: lease, stream, run, jobs', async () => {
    const { workerId, integrationId, token } = await arrangeWork();
    await fallSilent(workerId);
    const { dead } = await reap(options);
    expect(dead.map(({ id }) => id)).toEqual([workerId]);
    expect(takenOver).toEqual([[workerId]]);
    const { rows } = await scheduler.query(
      'select fence, lease_worker, lease_token from integration_streams where integration_id = $1',
      [integrationId],
    );
    expect(rows).toEqual([{ fence: '2', lease_worker: null, lease_token: null }]);
    expect((await listRuns(scheduler))[0]!.status).toBe('queued');
    const seen = await worker.tx({ kind: 'lease', token }, (tx) => tx.query('select id from sync_logs'));
    expect(seen.rows).toEqual([]);
  });

  it('a dead worker cannot beat its way back to life', async () => {
    const id = await arrangeWorker();
    expect(await beatWorker(worker, id)).toBe(true);
    await fallSilent(id);
    await reap(options);
    expect(await beatWorker(worker, id)).toBe(false);
  });

  it('spares workers that answer', async () => {
    const { workerId } = await arrangeWork();
    await beatWorker(worker, workerId);
    expect(await reap(options)).toEqual({ dead: [], jobs: 0 });
    expect((await listRuns(scheduler))[0]!.status).toBe('running');
  });

  it('is judged by the clock of the database, not by its own', async () => {
    await arrangeWorker();
    clock.step(3_600_000);
    expect((await reap(options)).dead).toEqual([]);
  });

  it('makes up for a reaper that died before the jobs were taken over', async () => {
    const { workerId } = await arrangeWork();
    await fallSilent(workerId);
    await expect(reap({ ...options, takeOver: () => Promise.reject(new Error('killed')) })).rejects.toThrow('killed');
    await reap(options);
    expect(takenOver).toEqual([[workerId]]);
  });

  it('takes over what a worker left behind when it stopped', async () => {
    const { workerId } = await arrangeWork();
    await markWorkerStopped(worker, workerId);
    expect((await reap(options)).dead).toEqual([]);
    expect(takenOver).toEqual([[workerId]]);
    expect((await listRuns(scheduler))[0]!.status).toBe('queued');
  });

  it('two reapers at once declare a worker dead once', async () => {
    for (let n = 0; n < 20; n++) await fallSilent(await arrangeWorker());
    const both = await Promise.all([reap(options), reap(options)]);
    const ids = both.flatMap(({ dead }) => dead.map(({ id }) => id));
    expect(ids).toHaveLength(20);
    expect(new Set(ids).size).toBe(20);
  });

  describe('judges nobody', () => {
    let statements: number;
    let isCut: boolean;
    let dead: string[];
    let reaper: Loop;

    /** The scheduler's pool with a line that can be cut, and a count by which one sees that a pass went by. */
    const line: Database = {
      role: 'tidemark_scheduler',
      query: (text, values) => watched(() => scheduler.query(text, values)),
      tx: (scope, work) => watched(() => scheduler.tx(scope, work)),
      close: () => Promise.resolve(),
    };
    function watched<T>(work: () => Promise<T>): Promise<T> {
      statements++;
      return isCut ? Promise.reject(new AppError('db.unavailable', 'cut')) : work();
    }
    async function somePasses(): Promise<void> {
      const before = statements;
      await expect.poll(() => statements, { interval: 5 }).toBeGreaterThan(before + 4);
    }
    async function turnBy(ms: number): Promise<void> {
      for (let turned = 0; turned < ms; turned += 500) {
        clock.advance(500);
        await somePasses();
      }
    }

    beforeEach(async () => {
      statements = 0;
      isCut = false;
      dead = [];
      reaper = createReaper({ ...options, db: line, everyMs: 5, leaseTtlMs: 2_000, onDead: ({ id }) => dead.push(id) });
      await reaper.start();
    });
    afterEach(() => reaper.stop());

    it('within one TTL of its start', async () => {
      const silent = await arrangeWorker();
      await fallSilent(silent);
      await turnBy(1_500);
      expect(dead).toEqual([]);
      await turnBy(1_000);
      expect(dead).toEqual([silent]);
    });

    it('within one TTL of its own stall', async () => {
      await turnBy(2_500);
      const silent = await arrangeWorker();
      clock.advance(60_000);
      await somePasses();
      await fallSilent(silent);
      await turnBy(1_500);
      expect(dead).toEqual([]);
      await turnBy(1_000);
      expect(dead).toEqual([silent]);
    });

    it('within one TTL of its own database outage', async () => {
      await turnBy(2_500);
      isCut = true;
      await somePasses();
      const silent = await arrangeWorker();
      await fallSilent(silent);
      isCut = false;
      await turnBy(1_500);
      expect(dead).toEqual([]);
      await turnBy(1_000);
      expect(dead).toEqual([silent]);
    });
  });

  it('forgets ended workers that hold nothing', async () => {
    const ended = await arrangeWorker();
    await arrangeWorker();
    await markWorkerStopped(worker, ended);
    expect(await pruneWorkers(scheduler, 60_000)).toBe(0);
    expect(await pruneWorkers(scheduler, 0)).toBe(1);
  });
});
