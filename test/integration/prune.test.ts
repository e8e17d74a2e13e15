// What we wrote ourselves goes when it is older than it is kept, no sooner, bounded and as often as one likes; and what would go can be
// looked at before.

import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { DAY_MS, HOUR_MS } from '../../src/core/duration.ts';
import { KEEP_DEFAULTS, type KeepPolicy } from '../../src/core/keep-policy.ts';
import type { Database } from '../../src/db/database.ts';
import { reportOldRows } from '../../src/ops/old-rows-report.ts';
import { createBloatWatch } from '../../src/scheduler/bloat-watch.ts';
import { foldSettled } from '../../src/scheduler/metric-folder.ts';
import { pruneOldRows } from '../../src/scheduler/prune.ts';
import { findBloat } from '../../src/store/bloat.ts';
import { addMetricAccount, sampleOf, type MetricAccount } from '../support/metrics.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createRecordingLog, createTestClock } from '../support/scheduling.ts';

const NOW = '2026-06-15T10:20:00Z';
const clock = createTestClock(NOW);
const ago = (ms: number): Date => new Date(Date.parse(NOW) - ms);
const NEVER = new AbortController().signal;

let database: TestDatabase;
let scheduler: Database;
let account: MetricAccount;
beforeAll(async () => {
  database = await createTestDatabase();
  scheduler = database.open('tidemark_scheduler');
  account = await addMetricAccount(database, database.open('tidemark_worker'));
});

interface Cleaned {
  readonly queue: string;
  readonly states: readonly string[];
}

function prune(keep: Partial<KeepPolicy> = {}, more: { readonly rows?: number; readonly batches?: number } = {}) {
  const cleaned: Cleaned[] = [];
  const queue = {
    clean: async ({ queue: name, states }: Cleaned) => {
      cleaned.push({ queue: name, states });
      return 0;
    },
  };
  return pruneOldRows({ db: scheduler, queue, clock }, { keep: { ...KEEP_DEFAULTS, ...keep }, signal: NEVER, ...more });
}

const report = (keep: Partial<KeepPolicy> = {}) =>
  reportOldRows(database.open('tidemark_api', 1), { ...KEEP_DEFAULTS, ...keep }, clock.now());

async function wouldGo(name: keyof KeepPolicy, keep: Partial<KeepPolicy> = {}): Promise<number> {
  return (await report(keep)).filter((row) => row.name === name).reduce((total, row) => total + row.rows, 0);
}

/** A run that ended then; its id. */
async function addRun(endedAt: Date | null, stream = 'jobs'): Promise<string> {
  const id = randomUUID();
  await database.asSuperuser(
    `insert into sync_logs (id, user_id, integration_id, stream, sync_type, status, created_at, completed_at)
     values ($1, $2, $3, $4, 'full', $5, $6, $7)`,
    [
      id,
      account.userId,
      account.integrationId,
      stream,
      endedAt === null ? 'running' : 'success',
      ago(400 * DAY_MS),
      endedAt,
    ],
  );
  return id;
}

async function runs(): Promise<readonly string[]> {
  return (await database.asSuperuser<{ id: string }>('select id from sync_logs')).map(({ id }) => id);
}

describe('runs', () => {
  test('go 90 days after their end, to the millisecond; one that goes on stays, and so does the raw record of one that went', async () => {
    const [old, limit, open] = [await addRun(ago(90 * DAY_MS + 1)), await addRun(ago(90 * DAY_MS)), await addRun(null)];
    await database.asSuperuser(
      `insert into sync_quarantine (user_id, integration_id, run_id, stream, reason_code, reason, ciphertext, wrapped_key, key_id, version, created_at)
       values ($1, $2, $3, 'jobs', 'c', 'r', '', '', 'k', 1, $4)`,
      [account.userId, account.integrationId, old, ago(DAY_MS)],
    );
    expect(await wouldGo('runs')).toBe(1);
    expect(await runs()).toHaveLength(3);
    expect(await prune()).toMatchObject({ runs: 1, quarantine: 0 });
    expect((await runs()).toSorted()).toEqual([limit, open].toSorted());
    expect(await database.asSuperuser('select run_id from sync_quarantine')).toEqual([{ run_id: null }]);
    expect(await prune()).toMatchObject({ runs: 0 });
  });

  test('stay where they are kept for ever', async () => {
    const id = await addRun(ago(3_000 * DAY_MS));
    expect(await wouldGo('runs', { runs: null })).toBe(0);
    expect(await prune({ runs: null })).not.toHaveProperty('runs');
    expect(await runs()).toContain(id);
    expect(await prune({ runs: 4_000 * DAY_MS })).toMatchObject({ runs: 0 });
  });

  test('go in bounded pieces, one that somebody holds is left to the next pass, and two passes at once take each once', async () => {
    await database.asSuperuser('delete from sync_logs');
    const ids: string[] = [];
    for (let index = 0; index < 7; index++) ids.push(await addRun(ago((100 + index) * DAY_MS), `s${index}`));
    expect(await prune({}, { rows: 2, batches: 1 })).toMatchObject({ runs: 2 });
    // The oldest went first.
    expect((await runs()).toSorted()).toEqual(ids.slice(0, 5).toSorted());
    const worker = database.open('tidemark_api', 1);
    await worker.tx({ kind: 'ops' }, async (tx) => {
      await tx.query('select from sync_logs where id = $1 for update', [ids[4]]);
      expect(await prune({}, { rows: 3 })).toMatchObject({ runs: 4 });
    });
    expect(await runs()).toEqual([ids[4]]);
    const both = await Promise.all([prune(), prune()]);
    expect(both.reduce((total, { runs: gone = 0 }) => total + gone, 0)).toBe(1);
  });
});

test('raw records go after 90 days, dead letters by the queue that they belong to', async () => {
  await database.asSuperuser('delete from sync_quarantine');
  await database.asSuperuser(
    `insert into sync_quarantine (user_id, integration_id, stream, reason_code, reason, ciphertext, wrapped_key, key_id, version, created_at)
     select $1, $2, 'jobs', 'c', 'r', '', '', 'k', 1, at from unnest($3::timestamptz[]) at`,
    [account.userId, account.integrationId, [ago(91 * DAY_MS), ago(89 * DAY_MS)]],
  );
  await database.asSuperuser(
    `insert into job_ledger (id, kind, queue, state, run_at, settled_at, max_attempts, created_at)
     select gen_random_uuid(), 'sync.run', 'sync-upwork', 'dead', at, at, 1, at from unnest($1::timestamptz[]) at`,
    [[ago(91 * DAY_MS), ago(89 * DAY_MS)]],
  );
  expect([await wouldGo('quarantine'), await wouldGo('dead_jobs')]).toEqual([1, 1]);
  expect(await prune()).toMatchObject({ quarantine: 1, dead_jobs: 0 });
  expect([await wouldGo('quarantine'), await wouldGo('dead_jobs')]).toEqual([0, 1]);
});

describe('platform metrics', () => {
  test('by minute go after 3 days and by hour after 90, whole hours and days of them, and nothing that was not folded', async () => {
    const minutes = [ago(4 * DAY_MS), ago(3 * DAY_MS + HOUR_MS), ago(3 * DAY_MS), ago(95 * DAY_MS)];
    for (const minute of minutes) await account.add(sampleOf('api_calls', minute, [1, 1]));
    expect(await prune()).toMatchObject({ metric_minutes: 0, metric_hours: 0 });
    await foldSettled({ db: scheduler, clock }, { signal: NEVER });
    expect([await wouldGo('metric_minutes'), await wouldGo('metric_hours')]).toEqual([3, 1]);
    expect(await prune()).toMatchObject({ metric_minutes: 3, metric_hours: 1 });
    const kept = await database.asSuperuser(
      `select period, count(*)::int as rows, sum(count)::int as count from platform_metrics group by period order by period`,
    );
    expect(kept).toEqual([
      { period: 'day', rows: 3, count: 8 },
      { period: 'hour', rows: 3, count: 6 },
      { period: 'minute', rows: 1, count: 2 },
    ]);
    expect(await database.asSuperuser('select * from platform_metric_horizons order by period')).toEqual([
      { period: 'hour', kept_from: new Date('2026-03-17T00:00:00Z') },
      { period: 'minute', kept_from: new Date('2026-06-12T10:00:00Z') },
    ]);
  });
});

test('a dry run names everything that is kept and the months that would go, and changes nothing', async () => {
  await scheduler.query(`select tidemark_private.make_partition('audit_logs', '2020-05-01')`);
  await database.asSuperuser(
    `insert into audit_logs (at, action, outcome) values ('2020-05-05', 'a', 'done'), ('2019-05-05', 'b', 'done')`,
  );
  const rows = await report();
  expect(new Set(rows.map(({ name }) => name))).toEqual(new Set(Object.keys(KEEP_DEFAULTS)));
  expect(rows.find(({ name }) => name === 'audit')).toMatchObject({ rows: 1, months: [{ name: 'audit_logs_202005' }] });
  expect(rows.find(({ name }) => name === 'messages')).toMatchObject({ keptMs: null, rows: 0, months: [] });
  expect(await database.asSuperuser(`select from audit_logs where at < '2021-01-01'`)).toHaveLength(2);
});

test('an index that holds far more than its keys need is told, and one that is rebuilt is not', async () => {
  await database.asSuperuser(`
    create table swollen (id uuid primary key) with (autovacuum_enabled = off);
    insert into swollen select gen_random_uuid() from generate_series(1, 20000);
    delete from swollen where ctid <> all (array(select ctid from swollen limit 200))`);
  await database.asSuperuser('vacuum analyze swollen');
  const limits = { leastBytes: 100_000, deadShare: 0.5, indexFactor: 4 };
  const names = async (): Promise<readonly string[]> => (await findBloat(scheduler, limits)).map(({ name }) => name);
  expect(await names()).toContain('swollen_pkey');
  const log = createRecordingLog();
  const watch = createBloatWatch({ db: scheduler, clock, log, limits });
  await watch.start();
  await expect.poll(() => log.events.map(({ fields }) => fields['name'])).toContain('swollen_pkey');
  await watch.stop();
  await database.asSuperuser('reindex index swollen_pkey');
  expect(await names()).not.toContain('swollen_pkey');
});
