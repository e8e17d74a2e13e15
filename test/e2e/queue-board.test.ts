import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, beforeEach, describe, expect, test, vi, type TestContext } from 'vitest';
import { deadLetterOf, QUEUES } from '../../queues/catalog.ts';
import { createHistoryRecorder } from '../../queues/history-recorder.ts';
import { completed } from '../../queues/outcome.ts';
import { systemClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Scope } from '../../src/core/scopes.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { harnessOn, type Harness } from '../conformance/queue/harness.ts';
import { bearer, issueToken, startApi } from '../support/api.ts';
import { apiQueue } from '../support/api-client.ts';
import { closeBrowser, signInWith, visit, type Visit } from '../support/browser.ts';
import { openBullMq, openPgBoss, type OpenEngine } from '../support/engines-under-test.ts';
import { NEEDS_REDIS, openRedis } from '../support/redis.ts';
import { arrangeIntegration } from '../support/scheduling.ts';

/** A browser needs its time on a small machine. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const OPERATOR: readonly Scope[] = ['read', 'enqueue', 'operate'];
const REASON = 'the token lacks the scope for proposals';
const CANARY = 'tm-canary-5up3r53cr3t';
const HTML = '<img src=x onerror="document.title=1">';

const redis = await openRedis();
afterAll(async () => {
  await closeBrowser();
  await redis?.stop();
});

interface Board {
  readonly engine: OpenEngine;
  readonly h: Harness;
  readonly address: string;
  readonly dead: string;
  readonly told: string;
  readonly integrationId: string;
}

/** A board with a history: jobs that ended well, one that died, one that waits, one that is late, schedules. */
async function furnish(engine: OpenEngine): Promise<Board> {
  const db = engine.databases.api;
  await engine.asSuperuser('delete from workers; delete from queue_controls');
  const h = harnessOn(engine);
  const history = createHistoryRecorder({ db: engine.databases.worker, clock: systemClock, log: silentLog });
  await history.start();
  const dead = await h.enqueue({ uniqueKey: 'dead' });
  const told = await h.enqueue();
  const consumer = await h.consume(
    (job) => {
      job.log.emit('run.finished', { note: HTML, url: `https://x/?access_token=${CANARY}` });
      if (job.jobId === dead)
        throw new AppError('platform.forbidden', `${REASON} ${HTML} (api_key=${CANARY})`, {
          details: { token: CANARY },
        });
      return Promise.resolve(completed({ text: HTML, api_key: CANARY }));
    },
    { history },
  );
  const more = await h.queue.enqueueMany(Array.from({ length: 12 }, () => h.request()));
  await h.until(dead, 'dead');
  for (const { jobId } of [{ jobId: told }, ...more]) await h.until(jobId, 'completed');
  await consumer.stop();
  await history.stop();
  await h.enqueue({ runAt: new Date(Date.now() + 3_600_000) });
  const { id: integrationId } = await arrangeIntegration(db, {
    now: new Date(),
    streams: [
      { name: 'jobs', intervalMinutes: 15 },
      { name: 'profile', intervalMinutes: 1_440 },
    ],
  });
  const { address } = await startApi(db, { queue: apiQueue(db, engine.driver), whenOver: afterAll });
  return { engine, h, address, dead, told, integrationId };
}

/** An action out of the queue's menu, confirmed. */
async function choose(page: Page, action: string | RegExp): Promise<void> {
  // The first one is the person's own; the queue's comes with its jobs.
  await page.locator('button[aria-haspopup="menu"]').nth(1).click();
  await page.getByRole('menuitem', { name: action, exact: true }).click();
  await page.getByRole('button', { name: 'Confirm' }).click();
}

function boardArea(name: string, late: () => Board): void {
  async function enter(context: TestContext, scopes: readonly Scope[], next?: string): Promise<Visit> {
    const there = await visit(context, late().address);
    await signInWith(there, await issueToken(late().engine.databases.api, scopes), next);
    return there;
  }

  test('the overview lists every queue and its dead letter', async (context) => {
    const there = await enter(context, ['read']);
    for (const queue of QUEUES.flatMap((each) => [each, deadLetterOf(each)]))
      await there.page.locator(`a[href*="/queue/${queue}"]`).first().waitFor();
    await there.shoot(`${name}-overview`);
    const fonts = await there.page.evaluate<number>(
      `document.fonts.load('16px "IBM Plex Sans"').then((faces) => faces.length)`,
    );
    expect(fonts).toBeGreaterThan(0);
    there.expectQuiet();
  });

  test('the failed list says why a job failed, and shows a viewer nothing to press', async (context) => {
    const there = await enter(context, ['read'], '/queues/queue/maintenance?status=failed');
    await there.page.locator('pre', { hasText: REASON }).waitFor();
    expect(
      await there.page.getByRole('button', { name: /retry|clean|promote|remove|delete|pause|empty/i }).count(),
    ).toBe(0);
    expect(await there.page.content()).not.toContain(CANARY);
    expect(await there.page.title()).not.toBe('1');
    await there.shoot(`${name}-failed`);
    there.expectQuiet();
  });

  test('a job has a page with its data and what it said, without secrets and with HTML as text', async (context) => {
    const there = await enter(context, ['read'], `/queues/queue/maintenance/${late().told}`);
    const { page } = there;
    await page.getByRole('tab', { name: 'Logs' }).click();
    await page.getByText('run finished').first().waitFor();
    await there.shoot(`${name}-job-logs`);
    const logs = await page.content();
    await page.getByRole('tab', { name: 'Data' }).click();
    await page.getByText('integrationId').first().waitFor();
    for (const html of [logs, await page.content()]) expect(html).not.toContain(CANARY);
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    there.expectQuiet();
  });

  test('schedules of streams are shown with when they fire', async (context) => {
    const there = await enter(context, OPERATOR, '/queues/job-schedulers');
    await there.page.getByText(`${late().integrationId}:jobs`).first().waitFor();
    await there.shoot(`${name}-schedulers`);
    there.expectQuiet();
  });

  test('the metrics draw what happened, from Postgres', async (context) => {
    const there = await enter(context, ['read'], '/queues/metrics-history');
    await there.page.getByText('By queue').waitFor();
    await there.shoot(`${name}-metrics`);
    const { address } = late();
    const token = await issueToken(late().engine.databases.api, ['read']);
    const from = Date.now() - 3_600_000;
    const query = `queue=maintenance&metric=completed&from=${from}&to=${Date.now()}&granularity=hour`;
    const response = await fetch(`${address}/queues/api/metrics/history?${query}`, { headers: bearer(token) });
    const told = JSON.stringify(await response.json());
    expect(told).toContain('13');
    there.expectQuiet();
  });

  test('an operator pauses and resumes by a click, and it is written down', async (context) => {
    const { h, engine } = late();
    const there = await enter(context, OPERATOR, '/queues/queue/maintenance');
    const { page } = there;
    await choose(page, 'Pause');
    await expect
      .poll(async () => (await h.queue.controls()).find(({ queue }) => queue === 'maintenance')?.pausedAt)
      .toBeInstanceOf(Date);
    await choose(page, 'Resume');
    await expect
      .poll(async () => (await h.queue.controls()).find(({ queue }) => queue === 'maintenance')?.pausedAt)
      .toBeNull();
    const rows = await engine.asSuperuser(
      `select action, target, outcome, token_name from audit_logs where action like 'board.%' order by at`,
    );
    expect(rows).toEqual(
      ['board.pause', 'board.resume'].map((action) => ({
        action,
        target: 'maintenance',
        outcome: 'done',
        token_name: 'test',
      })),
    );
    there.expectQuiet();
  });

  test('an operator retries a dead letter by a click', async (context) => {
    const { h, dead } = late();
    const there = await enter(context, OPERATOR, '/queues/queue/maintenance?status=failed');
    await choose(there.page, /^Retry all/);
    await h.until(dead, 'waiting');
    await there.shoot(`${name}-retried`);
    there.expectQuiet();
  });
}

function verbArea(late: () => Board): void {
  /** A verb of the board, as its page sends it. */
  async function send(scopes: readonly Scope[], method: string, path: string, body?: unknown): Promise<Response> {
    const { address, engine } = late();
    return await fetch(`${address}/queues/api${path}`, {
      method,
      headers: {
        ...bearer(await issueToken(engine.databases.api, scopes)),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
  const queuePath = '/queues/maintenance';

  test('a viewer is refused every verb, whatever the page shows', async () => {
    const id = await late().h.enqueue({ runAt: new Date(Date.now() + 3_600_000) });
    const verbs = [
      `/${id}/retry/failed`,
      `/${id}/clean`,
      `/${id}/promote`,
      '/pause',
      '/resume',
      '/empty',
      '/obliterate',
    ];
    for (const verb of [...verbs, '/promote', '/clean/completed', '/retry/failed', '/concurrency', '/rate-limit'])
      expect((await send(['read'], 'PUT', queuePath + verb, {})).status, verb).toBeGreaterThanOrEqual(403);
    expect((await send(['read'], 'POST', `${queuePath}/add`, {})).status).toBe(403);
    expect((await send(['read'], 'PUT', '/queues/pause', {})).status).toBe(403);
    expect((await send(['read'], 'POST', '/metrics/history/purge', {})).status).toBe(403);
    expect(await late().h.queue.get(id)).toMatchObject({ state: 'delayed' });
  });

  test('a job is added through its kind; a bad one is refused with the reason', async () => {
    const data = { integrationId: randomUUID() };
    const added = await send(OPERATOR, 'POST', `${queuePath}/add`, { name: 'credential.refresh', data, options: {} });
    expect(added.status).toBe(200);
    const { job } = (await added.json()) as { job: { id: string } };
    expect(await late().h.queue.get(job.id)).toMatchObject({ payload: data, workClass: 'interactive' });
    for (const [name, payload] of [
      ['no.such', data],
      ['credential.refresh', { no: 1 }],
      ['sync.run', { runId: randomUUID() }],
    ] as const) {
      const refused = await send(OPERATOR, 'POST', `${queuePath}/add`, { name, data: payload, options: {} });
      expect(refused.status, name).toBeGreaterThanOrEqual(400);
      expect(refused.status, name).toBeLessThan(500);
    }
  });

  test('jobs are promoted, removed, cleaned and emptied', async () => {
    const { h } = late();
    const inAnHour = new Date(Date.now() + 3_600_000);
    const [promoted, removed, emptied] = [
      await h.enqueue({ runAt: inAnHour }),
      await h.enqueue(),
      await h.enqueue({ runAt: inAnHour }),
    ];
    expect((await send(OPERATOR, 'PUT', `${queuePath}/${promoted}/promote`)).status).toBe(204);
    expect(await h.queue.get(promoted)).toMatchObject({ state: 'waiting' });
    expect((await send(OPERATOR, 'PUT', `${queuePath}/${removed}/clean`)).status).toBe(204);
    expect(await h.queue.get(removed)).toBeNull();
    expect((await send(OPERATOR, 'PUT', `${queuePath}/empty`)).status).toBe(403);
    expect((await send(['admin'], 'PUT', `${queuePath}/empty`)).status).toBe(200);
    expect(await h.queue.get(emptied)).toBeNull();
    await h.queue.cancel(await h.enqueue());
    await expect
      .poll(
        async () => {
          await send(OPERATOR, 'PUT', `${queuePath}/clean/failed`);
          return (await h.queue.counts('maintenance')).cancelled;
        },
        { timeout: 15_000 },
      )
      .toBe(0);
  });

  test('limits are set and taken away', async () => {
    const { h } = late();
    const controls = async () => (await h.queue.controls()).find(({ queue }) => queue === 'maintenance');
    expect((await send(OPERATOR, 'PUT', `${queuePath}/concurrency`, { concurrency: 3 })).status).toBe(200);
    expect((await send(OPERATOR, 'PUT', `${queuePath}/rate-limit`, { max: 10, duration: 1_000 })).status).toBe(200);
    expect(await controls()).toMatchObject({ concurrency: 3, rate: { max: 10, perMs: 1_000 } });
    await h.queue.limit('maintenance', { concurrency: null, rate: null });
  });

  test('obliterate needs a paused queue and an admin, and spares jobs in hand unless forced', async () => {
    const { h } = late();
    const held = await h.enqueue();
    const consumer = await h.consume(
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(completed()))),
    );
    await h.until(held, 'active');
    const obliterate = (scopes: readonly Scope[], force: boolean) =>
      send(scopes, 'PUT', `${queuePath}/obliterate`, { force });
    expect((await obliterate(['admin'], false)).status).toBe(400);
    await h.queue.pause('maintenance');
    expect((await obliterate(OPERATOR, true)).status).toBe(403);
    expect((await obliterate(['admin'], false)).status).toBe(409);
    expect((await obliterate(['admin'], true)).status).toBe(200);
    await consumer.stop();
    await h.queue.resume('maintenance');
  });

  test('a schedule is changed, run now and disabled; a broken one is refused', async () => {
    const { engine, integrationId } = late();
    const path = `/queues/sync-upwork/job-schedulers/${encodeURIComponent(`${integrationId}:jobs`)}`;
    const stream = async () =>
      (
        await engine.asSuperuser(
          `select cron, timezone, enabled from integration_streams where integration_id = $1 and stream = 'jobs'`,
          [integrationId],
        )
      )[0];
    expect((await send(OPERATOR, 'PATCH', path, { pattern: 'whenever', tz: 'UTC' })).status).toBe(400);
    expect((await send(OPERATOR, 'PATCH', path, { pattern: '0 6 * * *', tz: 'Europe/Berlin' })).status).toBe(204);
    expect(await stream()).toMatchObject({ cron: '0 6 * * *', timezone: 'Europe/Berlin' });
    expect((await send(OPERATOR, 'PUT', `${path}/run`)).status).toBe(200);
    expect((await send(OPERATOR, 'PUT', `${path}/remove`)).status).toBeLessThan(300);
    expect(await stream()).toMatchObject({ enabled: false });
  });
}

function describeEngine(name: string, open: () => Promise<OpenEngine>): void {
  describe(`the board on ${name}`, () => {
    let board: Board | undefined;
    // Within the first test, because a harness ends with its test.
    beforeEach(async () => {
      board ??= await furnish(await open());
    });
    afterAll(() => board?.engine.driver.stop());
    boardArea(name, () => board!);
    verbArea(() => board!);
  });
}

describeEngine('pgboss', openPgBoss);
if (redis === null) test.skip(`the board on bullmq (${NEEDS_REDIS})`, () => undefined);
else describeEngine('bullmq', () => openBullMq(redis));
