import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/core/duration.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import type { Database } from '../../src/db/database.ts';
import { claimDue, type SchedulerDeps } from '../../src/scheduler/claim-due.ts';
import { converge } from '../../src/scheduler/convergence.ts';
import { refreshAhead } from '../../src/scheduler/refresh-ahead.ts';
import { repairSchedules } from '../../src/scheduler/repair-schedules.ts';
import { rollDirtyDays, type Offers } from '../../src/scheduler/rollers.ts';
import { createSchedulerTick } from '../../src/scheduler/tick.ts';
import { findOverdue } from '../../src/scheduler/watchdog.ts';
import {
  findIntegration,
  pauseIntegration,
  resumeIntegration,
  setIntegrationStatus,
} from '../../src/store/integrations.ts';
import { listRuns } from '../../src/store/run-views.ts';
import { listStreams } from '../../src/store/streams.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  arrangeIntegration,
  createLedgerQueue,
  createRecordingLog,
  createTestClock,
  type RecordingLog,
  type TestClock,
} from '../support/scheduling.ts';

const signal = new AbortController().signal;
let pg: TestDatabase;
let api: Database;
let scheduler: Database;
let clock: TestClock;
let log: RecordingLog;
let deps: SchedulerDeps & { queue: ReturnType<typeof createLedgerQueue> };

beforeAll(async () => {
  pg = await createTestDatabase();
  api = pg.open('tidemark_api');
  scheduler = pg.open('tidemark_scheduler', 12);
});

beforeEach(async () => {
  await pg.asSuperuser('delete from users; delete from job_ledger; delete from dirty_days');
  clock = createTestClock('2026-05-04T10:00:00Z');
  log = createRecordingLog();
  deps = { db: scheduler, queue: createLedgerQueue(scheduler, clock), clock, log };
});

const runs = () => listRuns(scheduler, { limit: 1_000 });
const setRuns = (status: string) =>
  pg.asSuperuser(
    `update sync_logs set status = $1::text, started_at = created_at,
       completed_at = case when $1::text in ('success', 'failed') then now() end
     where status in ('queued', 'running')`,
    [status],
  );

describe('claiming', () => {
  it('a due stream gets one run with its job and a next fire; nothing is due afterwards', async () => {
    const { id } = await arrangeIntegration(api, { now: clock.now() });
    expect(await claimDue(deps, signal)).toEqual({ due: 1, queued: 1, pending: 0 });
    expect(await claimDue(deps, signal)).toEqual({ due: 0, queued: 0, pending: 0 });
    const [run] = await runs();
    expect(run).toMatchObject({ integrationId: id, status: 'queued', syncType: 'full', trigger: 'schedule' });
    const jobs = await scheduler.query(`select queue, payload, unique_key from job_ledger`);
    expect(jobs.rows).toEqual([{ queue: 'sync-upwork', payload: { runId: run!.id }, unique_key: run!.id }]);
    const [stream] = await listStreams(scheduler, id);
    expect(stream!.nextSyncAt!.getTime()).toBeGreaterThanOrEqual(clock.now().getTime() + HOUR_MS / 2);
    expect((await findIntegration(scheduler, id))!.nextSyncAt).toEqual(stream!.nextSyncAt);
  });

  it('three schedulers at once claim every due stream exactly once', async () => {
    await pg.asSuperuser(
      `insert into users (email, name) select 'u' || n || '@x.y', 'U' from generate_series(1, 40) n`,
    );
    await pg.asSuperuser(
      `insert into integrations (user_id, platform_id, status) select id, 'upwork', 'connected' from users, generate_series(1, 10)`,
    );
    await pg.asSuperuser(`insert into integration_streams (integration_id, user_id, stream, interval_minutes, next_sync_at)
      select id, user_id, 's' || n, 60, '2026-05-04T09:59:00Z' from integrations, generate_series(1, 5) n`);
    let left = 1;
    while (left > 0) {
      await Promise.all([1, 2, 3].map(() => claimDue(deps, signal, { batchSize: 70 })));
      const { rows } = await scheduler.query<{ n: number }>(
        `select count(*)::int as n from integration_streams where next_sync_at <= $1`,
        [clock.now()],
      );
      left = rows[0]!.n;
    }
    const { rows } = await scheduler.query(
      `select count(*)::int as runs, count(distinct (integration_id, stream))::int as streams,
         (select count(*)::int from job_ledger) as jobs from sync_logs`,
    );
    expect(rows[0]).toEqual({ runs: 2_000, streams: 2_000, jobs: 2_000 });
  });

  it('a stream that is due while its run is under way gets one pending run, however often', async () => {
    await arrangeIntegration(api, { now: clock.now() });
    await claimDue(deps, signal);
    await setRuns('running');
    for (let fire = 0; fire < 3; fire++) {
      clock.advance(2 * HOUR_MS);
      await claimDue(deps, signal);
    }
    expect((await runs()).map(({ status }) => status).sort()).toEqual(['pending', 'running']);
    expect(deps.queue.count).toBe(1);
  });

  it('a stream whose run has not begun gets no second one', async () => {
    await arrangeIntegration(api, { now: clock.now() });
    await claimDue(deps, signal);
    clock.advance(2 * HOUR_MS);
    expect(await claimDue(deps, signal)).toEqual({ due: 1, queued: 0, pending: 0 });
  });

  it('a week of downtime is made up for by one run', async () => {
    await arrangeIntegration(api, { now: clock.now(), streams: [{ name: 'jobs', intervalMinutes: 1 }] });
    clock.advance(7 * DAY_MS);
    await claimDue(deps, signal);
    await setRuns('success');
    expect((await claimDue(deps, signal)).due).toBe(0);
    expect((await runs()).map(({ trigger }) => trigger)).toEqual(['catch_up']);
  });

  it('paused and unconnected integrations keep their place in time without runs', async () => {
    const paused = await arrangeIntegration(api, { now: clock.now() });
    const pending = await arrangeIntegration(api, { now: clock.now(), status: 'pending' });
    await api.tx({ kind: 'ops' }, (tx) => pauseIntegration(tx, paused.id, clock.now()));
    expect(await claimDue(deps, signal)).toEqual({ due: 2, queued: 0, pending: 0 });
    expect((await claimDue(deps, signal)).due).toBe(0);
    await api.tx({ kind: 'ops' }, (tx) => resumeIntegration(tx, paused.id, clock.now()));
    await api.tx({ kind: 'ops' }, (tx) =>
      setIntegrationStatus(tx, { id: pending.id, status: 'connected', now: clock.now() }),
    );
    expect(await claimDue(deps, signal)).toEqual({ due: 2, queued: 2, pending: 0 });
  });

  it('a stored schedule that nobody can read parks its stream and spares the others', async () => {
    await arrangeIntegration(api, { now: clock.now() });
    const broken = await arrangeIntegration(api, { now: clock.now() });
    await pg.asSuperuser(
      `update integration_streams set interval_minutes = null, cron = 'nonsense', timezone = 'UTC' where integration_id = $1`,
      [broken.id],
    );
    expect(await claimDue(deps, signal)).toMatchObject({ due: 2, queued: 1 });
    const [stream] = await listStreams(scheduler, broken.id);
    expect(stream).toMatchObject({ status: 'parked', statusCode: 'input.invalid' });
    expect(log.events.map(({ event }) => event)).toContain('stream.parked');
  });

  it('when the queue refuses, neither run nor next fire is written', async () => {
    const { id } = await arrangeIntegration(api, { now: clock.now() });
    const refusing = { enqueueMany: () => Promise.reject(new Error('no')) };
    await expect(claimDue({ ...deps, queue: refusing }, signal)).rejects.toThrow('no');
    expect(await runs()).toEqual([]);
    expect((await listStreams(scheduler, id))[0]!.nextSyncAt).toEqual(clock.now());
  });
});

describe('a clock that jumps', () => {
  it('set back a day, the stream is due within one and a half intervals, not in a day', async () => {
    const { id } = await arrangeIntegration(api, { now: clock.now() });
    await claimDue(deps, signal);
    clock.step(-DAY_MS);
    expect(await repairSchedules(deps, signal)).toBe(1);
    const next = (await listStreams(scheduler, id))[0]!.nextSyncAt!.getTime() - clock.now().getTime();
    expect(next).toBeLessThan(1.5 * HOUR_MS);
    expect(await repairSchedules(deps, signal)).toBe(0);
  });

  it('the tick notices that it was set back and repairs at once', async () => {
    const { id } = await arrangeIntegration(api, {
      now: clock.now(),
      schedule: { cron: '0 9 * * *', timezone: 'Europe/Berlin' },
    });
    const tick = createSchedulerTick({ ...deps, everyMs: 5 });
    await tick.start();
    const nextSync = async () => (await listStreams(scheduler, id))[0]!.nextSyncAt!.toISOString();
    await expect.poll(nextSync).toBe('2026-05-05T07:00:00.000Z');
    clock.step(-30 * DAY_MS);
    await expect.poll(nextSync).toBe('2026-04-05T07:00:00.000Z');
    await tick.stop();
  });

  it('set forward and back again, there is one run and the schedule goes on', async () => {
    const { id } = await arrangeIntegration(api, { now: clock.now() });
    await claimDue(deps, signal);
    await setRuns('success');
    clock.step(30 * DAY_MS);
    await claimDue(deps, signal);
    await setRuns('success');
    clock.step(-30 * DAY_MS);
    await repairSchedules(deps, signal);
    expect(await runs()).toHaveLength(2);
    const next = (await listStreams(scheduler, id))[0]!.nextSyncAt!.getTime() - clock.now().getTime();
    expect(next).toBeLessThan(1.5 * HOUR_MS);
  });

  it('a stream that lost its place in time gets one again', async () => {
    const { id } = await arrangeIntegration(api, { now: clock.now() });
    await pg.asSuperuser('update integration_streams set next_sync_at = null');
    expect(await repairSchedules(deps, signal)).toBe(1);
    expect((await listStreams(scheduler, id))[0]!.nextSyncAt).not.toBeNull();
  });
});

describe('convergence', () => {
  it('a run whose job was lost gets a new one, once; a young run is left alone', async () => {
    await arrangeIntegration(api, { now: clock.now() });
    await claimDue(deps, signal);
    await pg.asSuperuser('delete from job_ledger');
    expect((await converge(deps)).restored).toBe(0);
    clock.advance(MINUTE_MS);
    expect(await converge(deps)).toMatchObject({ restored: 1 });
    expect(await converge(deps)).toMatchObject({ restored: 0 });
    expect(log.events.map(({ event }) => event)).toContain('job.lost_restored');
  });

  it('a run from a future that never came is restored too', async () => {
    await arrangeIntegration(api, { now: clock.now() });
    await claimDue(deps, signal);
    await pg.asSuperuser('delete from job_ledger');
    clock.step(-DAY_MS);
    expect(await converge(deps)).toMatchObject({ restored: 1 });
  });

  it('a running run that nobody holds any more is queued again', async () => {
    await arrangeIntegration(api, { now: clock.now() });
    await claimDue(deps, signal);
    await setRuns('running');
    clock.advance(MINUTE_MS);
    expect(await converge(deps)).toMatchObject({ requeued: 1, restored: 0 });
    expect((await runs())[0]!.status).toBe('queued');
  });

  it('a run whose job is a dead letter fails with its error and frees the stream', async () => {
    await arrangeIntegration(api, { now: clock.now() });
    await claimDue(deps, signal);
    await pg.asSuperuser(
      `update job_ledger set state = 'dead', last_error = '{"code":"queue.poisoned","kind":"fatal","message":"five takeovers"}'`,
    );
    clock.advance(2 * HOUR_MS);
    expect(await converge(deps)).toMatchObject({ failed: 1, restored: 0 });
    expect((await runs())[0]).toMatchObject({ status: 'failed', errorMessage: 'five takeovers' });
    expect(await claimDue(deps, signal)).toMatchObject({ queued: 1 });
  });

  it('a pending run behind nobody is queued with a job', async () => {
    await arrangeIntegration(api, { now: clock.now() });
    await claimDue(deps, signal);
    await setRuns('running');
    clock.advance(2 * HOUR_MS);
    await claimDue(deps, signal);
    await setRuns('success');
    expect(await converge(deps)).toMatchObject({ promoted: 1 });
    expect(deps.queue.count).toBe(2);
    expect(await converge(deps)).toMatchObject({ promoted: 0 });
  });
});

describe('many runs at once', () => {
  // With a plan that compares every run with every job, which stale statistics once led to, this took minutes.
  it('10,000 due streams are claimed and converge without a join of all with all', { timeout: 60_000 }, async () => {
    await pg.asSuperuser(`insert into users (email, name) values ('many@example.com', 'Many')`);
    await pg.asSuperuser(`insert into integrations (user_id, platform_id, status)
      select id, 'upwork', 'connected' from users, generate_series(1, 1000)`);
    await pg.asSuperuser(`insert into integration_streams (integration_id, user_id, stream, next_sync_at)
      select id, user_id, 's' || n, '2026-05-04T09:59:00Z' from integrations, generate_series(1, 10) n`);
    await pg.asSuperuser('analyze');
    expect(await claimDue(deps, signal)).toEqual({ due: 10_000, queued: 10_000, pending: 0 });
    clock.advance(MINUTE_MS);
    expect(await converge(deps)).toEqual({ restored: 0, requeued: 0, failed: 0, promoted: 0 });
  });
});

describe('the watchdog', () => {
  it('alarms on overdue streams without a run, and only on those', async () => {
    const { id } = await arrangeIntegration(api, { now: clock.now() });
    const paused = await arrangeIntegration(api, { now: clock.now() });
    await api.tx({ kind: 'ops' }, (tx) => pauseIntegration(tx, paused.id, clock.now()));
    expect(await findOverdue({ ...deps })).toEqual([]);
    clock.advance(10 * MINUTE_MS);
    expect((await findOverdue({ ...deps })).map(({ integrationId }) => integrationId)).toEqual([id]);
    expect(log.events.map(({ event }) => event)).toContain('schedule.overdue');
    await claimDue(deps, signal);
    expect(await findOverdue({ ...deps })).toEqual([]);
  });
});

describe('other jobs on time', () => {
  it('the marks of a user become one rollup job for the oldest day, in bounded passes', async () => {
    const userIds = [];
    for (let user = 0; user < 3; user++) userIds.push((await arrangeIntegration(api, { now: clock.now() })).userId);
    for (const [user, userId] of userIds.entries())
      await pg.asSuperuser(
        `insert into dirty_days (user_id, day) select $1, date '2026-05-01' + $2::int + n % 3 from generate_series(1, 30) n`,
        [userId, user],
      );
    const offers: Offers = new Map();
    expect(await rollDirtyDays({ ...deps, limit: 2 }, offers)).toBe(2);
    expect(await rollDirtyDays(deps, offers)).toBe(1);
    expect(await rollDirtyDays(deps, offers)).toBe(0);
    // Another scheduler offers them all, and finds them queued.
    expect(await rollDirtyDays(deps, new Map())).toBe(0);
    const { rows } = await scheduler.query<{ payload: unknown }>(
      `select payload from job_ledger order by payload ->> 'day'`,
    );
    expect(rows.map(({ payload }) => payload)).toEqual(
      userIds.map((userId, user) => ({ userId, day: `2026-05-0${1 + user}` })),
    );
  });

  it('a user whose oldest day went to the dead letter has the next one offered', async () => {
    const { userId } = await arrangeIntegration(api, { now: clock.now() });
    await pg.asSuperuser(`insert into dirty_days (user_id, day) values ($1, '2026-05-01'), ($1, '2026-05-02')`, [
      userId,
    ]);
    expect(await rollDirtyDays(deps, new Map())).toBe(1);
    await pg.asSuperuser(`update job_ledger set state = 'dead', settled_at = $2 where user_id = $1`, [
      userId,
      clock.now(),
    ]);
    expect(await rollDirtyDays(deps, new Map())).toBe(1);
    const { rows } = await scheduler.query<{ day: string }>(
      `select payload ->> 'day' as day from job_ledger where state <> 'dead'`,
    );
    expect(rows).toEqual([{ day: '2026-05-02' }]);
  });

  it('credentials near their end or long idle are refreshed ahead, each by one job', async () => {
    const hours = [0.1, 20, 20];
    for (const [index, left] of hours.entries()) {
      const { id, userId } = await arrangeIntegration(api, { now: clock.now() });
      await pg.asSuperuser(
        `insert into integration_credentials (integration_id, user_id, ciphertext, wrapped_key, key_id, expires_at, updated_at)
         values ($1, $2, '\\x00', '\\x00', $3, $4, $5)`,
        [
          id,
          userId,
          uuidv7(),
          new Date(clock.now().getTime() + left * HOUR_MS),
          new Date(clock.now().getTime() - (index === 2 ? 11 : 1) * DAY_MS),
        ],
      );
    }
    expect(await refreshAhead(deps)).toBe(2);
    expect(await refreshAhead(deps)).toBe(0);
  });
});
