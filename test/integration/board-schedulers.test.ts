// Schedules of streams as job schedulers of the board: listed, counted, changed, disabled and run now, on a real queue.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MINUTE_MS } from '../../src/core/duration.ts';
import type { PlatformId } from '../../src/core/platforms.ts';
import type { Database } from '../../src/db/database.ts';
import { createBoardSchedulers, type BoardSchedulers } from '../../src/dashboard/bull-board/schedulers.ts';
import { pauseIntegration, type Integration } from '../../src/store/integrations.ts';
import { listRuns } from '../../src/store/run-views.ts';
import { listStreams, setStreamSchedule } from '../../src/store/streams.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { createJobQueue } from '../../queues/job-queue.ts';
import { openPgBoss, type OpenEngine } from '../support/engines-under-test.ts';
import { arrangeIntegration, createTestClock, type TestClock } from '../support/scheduling.ts';

const NOW = '2026-05-04T10:00:00Z';
const UNKNOWN = '00000000-0000-4000-8000-000000000009:jobs';

let engine: OpenEngine;
let api: Database;
let clock: TestClock;
let schedulers: BoardSchedulers;
let integration: Integration;
let id: string;

beforeAll(async () => {
  engine = await openPgBoss();
  api = engine.databases.api;
  // Platforms whose connectors come later.
  await engine.asSuperuser(
    `insert into platforms (id, name, display_name, type, region)
     select name, name, name, 'ecommerce', 'russia' from unnest('{ozon,wildberries}'::text[]) as p (name)
     on conflict do nothing`,
  );
});
afterAll(() => engine.driver.stop());

const arrange = (platformId: PlatformId, streams: readonly string[]): Promise<Integration> =>
  arrangeIntegration(api, {
    now: clock.now(),
    platformId,
    streams: streams.map((name) => ({ name, intervalMinutes: 60 })),
  });

beforeEach(async () => {
  await engine.asSuperuser('delete from users; delete from job_ledger; delete from pgboss.job');
  clock = createTestClock(NOW);
  const queue = createJobQueue({ db: api, driver: engine.driver, clock, log: silentLog });
  schedulers = createBoardSchedulers({ db: api, queue, clock });
  integration = await arrange('upwork', ['jobs', 'profile']);
  id = `${integration.id}:jobs`;
});

const stream = async (name = 'jobs') =>
  (await api.tx({ kind: 'ops' }, (tx) => listStreams(tx, integration.id))).find((it) => it.stream === name)!;
const runs = () => api.tx({ kind: 'ops' }, (tx) => listRuns(tx, { limit: 100 }));
const find = async (wanted = id) => (await schedulers.list('sync-upwork')).find((it) => it.id === wanted);

describe('the list', () => {
  test('has the enabled streams of the queue’s platforms, soonest due first', async () => {
    await arrange('ozon', ['orders']);
    await arrange('wildberries', ['sales']);
    await engine.asSuperuser(
      `update integration_streams set next_sync_at = '2026-05-04T11:00:00Z' where stream = 'jobs'`,
    );
    const upwork = await schedulers.list('sync-upwork');
    expect(upwork.map((it) => it.id)).toEqual([`${integration.id}:profile`, id]);
    expect(upwork[1]).toEqual({
      id,
      name: 'sync.run',
      every: 60 * MINUTE_MS,
      next: Date.parse('2026-05-04T11:00:00Z'),
      template: {
        data: {
          platform: 'upwork',
          stream: 'jobs',
          integrationId: integration.id,
          userId: integration.userId,
          status: 'active',
        },
      },
    });
    expect(await schedulers.list('sync-marketplace')).toHaveLength(2);
    for (const none of ['sync-messaging', 'metrics', 'maintenance', 'sync-upwork-dead'])
      expect([await schedulers.list(none), await schedulers.count(none)]).toEqual([[], 0]);
  });

  test('tells cron with its zone, and when it ran last', async () => {
    const key = { integrationId: integration.id, stream: 'jobs' };
    const schedule = { cron: '0 9 * * 1', timezone: 'Europe/Berlin' };
    await api.tx({ kind: 'ops' }, (tx) =>
      setStreamSchedule(tx, { ...key, schedule, nextSyncAt: clock.now(), now: clock.now() }),
    );
    await schedulers.runNow('sync-upwork', id);
    expect((await find())?.lastRun).toBeUndefined();
    await engine.asSuperuser(`update sync_logs set status = 'running', started_at = $1`, [NOW]);
    expect(await find()).toMatchObject({ pattern: '0 9 * * 1', tz: 'Europe/Berlin', lastRun: Date.parse(NOW) });
    expect((await find())?.every).toBeUndefined();
  });

  test('puts what cannot fire last, without a next time', async () => {
    await engine.asSuperuser(`update integration_streams set status = 'parked' where stream = 'jobs'`);
    const [first, last] = await schedulers.list('sync-upwork');
    expect(first?.next).toBe(Date.parse(NOW));
    expect(last).toMatchObject({ id, template: { data: { status: 'parked' } } });
    expect(last?.next).toBeUndefined();
    await api.tx({ kind: 'ops' }, (tx) => pauseIntegration(tx, integration.id, clock.now()));
    expect((await schedulers.list('sync-upwork')).flatMap(({ next }) => next ?? [])).toEqual([]);
  });

  test('is bounded, and the count is the real one', async () => {
    await engine.asSuperuser(
      `insert into integration_streams (integration_id, user_id, stream, interval_minutes, next_sync_at)
       select $1, $2, 'stream-' || n, 60, now() from generate_series(1, 600) n`,
      [integration.id, integration.userId],
    );
    expect(await schedulers.list('sync-upwork')).toHaveLength(500);
    expect(await schedulers.count('sync-upwork')).toBe(602);
    await engine.asSuperuser(`update integration_streams set enabled = false where stream like 'stream-%'`);
    clock.advance(11_000);
    expect(await schedulers.count('sync-upwork')).toBe(2);
  });
});

describe('a scheduler', () => {
  test('that is removed is a disabled stream', async () => {
    expect(await schedulers.remove('sync-upwork', id)).toBe(true);
    expect(await stream()).toMatchObject({ enabled: false });
    expect(await find()).toBeUndefined();
    expect(await schedulers.remove('sync-upwork', id)).toBe(false);
  });

  test('takes an interval, or cron with a zone, and fires by it', async () => {
    expect(await schedulers.update('sync-upwork', id, { every: 30 * MINUTE_MS, tz: 'UTC' })).toBe('updated');
    expect(await stream()).toMatchObject({ intervalMinutes: 30, cron: null, timezone: null });
    expect((await stream()).nextSyncAt!.getTime()).toBeGreaterThan(Date.parse(NOW));
    const cron = { pattern: '30 9 * * *', tz: 'Europe/Berlin' };
    expect(await schedulers.update('sync-upwork', id, cron)).toBe('updated');
    expect(await stream()).toMatchObject({
      intervalMinutes: null,
      cron: '30 9 * * *',
      timezone: 'Europe/Berlin',
      nextSyncAt: new Date('2026-05-05T07:30:00Z'),
    });
  });

  test.each([
    ['six fields', { pattern: '0 0 9 * * 1', tz: 'UTC' }],
    ['no zone', { pattern: '0 9 * * 1' }],
    ['an unknown zone', { pattern: '0 9 * * 1', tz: 'Mars/Olympus' }],
    ['a day that never comes', { pattern: '0 0 31 2 *', tz: 'UTC' }],
    ['half a minute', { every: MINUTE_MS / 2 }],
    ['more than a month', { every: 44_641 * MINUTE_MS }],
    ['a number of runs', { every: MINUTE_MS, limit: 3 }],
    ['a last day', { every: MINUTE_MS, endDate: 1 }],
    ['nothing', {}],
  ])('refuses %s and stays as it was', async (_what, repeat) => {
    const before = await stream();
    expect(await schedulers.update('sync-upwork', id, repeat)).toBe('invalid-schedule');
    expect(await stream()).toEqual(before);
  });

  test('run now is the job of a manual run, the same while it waits, the one under way afterwards', async () => {
    const job = await schedulers.runNow('sync-upwork', id);
    const [run] = await runs();
    expect(run).toMatchObject({ stream: 'jobs', trigger: 'manual', status: 'queued', workClass: 'interactive' });
    expect(job).toMatchObject({ kind: 'sync.run', queue: 'sync-upwork', payload: { runId: run!.id } });
    expect(await schedulers.runNow('sync-upwork', id)).toEqual(job);
    await engine.asSuperuser(`update sync_logs set status = 'running', started_at = now()`);
    expect(await schedulers.runNow('sync-upwork', id)).toEqual(job);
    expect((await runs()).map(({ status }) => status).sort()).toEqual(['pending', 'running']);
  });

  test('that may not run says so', async () => {
    await api.tx({ kind: 'ops' }, (tx) => pauseIntegration(tx, integration.id, clock.now()));
    await expect(schedulers.runNow('sync-upwork', id)).rejects.toMatchObject({ code: 'input.invalid' });
  });

  test.each([UNKNOWN, 'jobs', '', ':', 'no-uuid:jobs'])('that is not there (%s) is not found', async (wanted) => {
    expect(await schedulers.remove('sync-upwork', wanted)).toBe(false);
    expect(await schedulers.update('sync-upwork', wanted, { every: MINUTE_MS })).toBe('not-found');
    expect(await schedulers.runNow('sync-upwork', wanted)).toBe('not-found');
  });

  test('of another queue is not found either', async () => {
    for (const queue of ['sync-messaging', 'metrics', 'sync-upwork-dead']) {
      expect(await schedulers.remove(queue, id)).toBe(false);
      expect(await schedulers.runNow(queue, id)).toBe('not-found');
    }
    expect(await runs()).toEqual([]);
  });
});
