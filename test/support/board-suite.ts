// What a person does on the board, by clicks in a real browser, on an installation with real workers that sync accounts.

import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import type { Page } from 'playwright-core';
import { createJobQueue } from '../../queues/job-queue.ts';
import type { JobQueue } from '../../queues/port.ts';
import { openDriver } from '../../src/app/engine.ts';
import { systemClock } from '../../src/core/clock.ts';
import { HOUR_MS } from '../../src/core/duration.ts';
import type { Scope } from '../../src/core/scopes.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { issueToken } from './api.ts';
import type { BoardWorld } from './board-world.ts';
import { signInWith, visit, type Visit } from './browser.ts';
import type { Account } from './kill-world.ts';
import { waitFor } from './wait.ts';
import { UPWORK_STREAMS } from './upwork-streams.ts';

const OPERATOR: readonly Scope[] = ['read', 'enqueue', 'operate'];
const UPWORK = '/queues/queue/sync-upwork';
const MAINTENANCE = '/queues/queue/maintenance';

/** The first menu is the person's own; the queue's comes with its jobs. */
async function openMenu(page: Page, item: string | RegExp): Promise<void> {
  await page.locator('button[aria-haspopup="menu"]').nth(1).click();
  await page.getByRole('menuitem', { name: item }).click();
}

const confirm = (page: Page): Promise<void> => page.getByRole('button', { name: 'Confirm' }).click();
const notice = (page: Page, text: string | RegExp): Promise<void> => page.getByText(text).first().waitFor();
/** A button of a job's card, by its icon: its words are shown when a mouse rests on it. */
const jobButton = (page: Page, icon: string) => page.locator(`button:has(.lucide-${icon})`);

/** Types over what the editor of a field holds, and waits until the editor has looked at it. */
async function write(page: Page, field: 'jobData' | 'jobOptions', text: string): Promise<void> {
  await page.locator(`div:has(> [name="${field}"]) .cm-content`).click();
  await page.keyboard.press('ControlOrMeta+a');
  // Chromium itself styles what is typed over a selection, which the policy refuses, to nobody's loss.
  await page.keyboard.press('Backspace');
  await page.keyboard.insertText(text);
  await expect.poll(() => page.locator(`[name="${field}"]`).inputValue()).toBe(text);
}

export function boardSuite(name: string, world: BoardWorld): void {
  let account: Account;
  let queue: JobQueue;

  async function enter(context: TestContext, scopes: readonly Scope[], next?: string): Promise<Visit> {
    const there = await visit(context, world.address);
    await signInWith(there, await issueToken(world.api, scopes), next);
    return there;
  }

  const delayedRefresh = () =>
    queue.enqueue({
      kind: 'credential.refresh',
      payload: { integrationId: account.integrationId },
      userId: account.userId,
      runAt: new Date(Date.now() + HOUR_MS),
    });

  const runs = (where: string) =>
    world.database.asSuperuser<{ id: string; status: string; trigger: string }>(
      `select id, status, trigger from sync_logs where ${where} order by created_at desc`,
    );

  beforeAll(async () => {
    const driver = await openDriver(world.config.queue.engine, { config: world.config, db: world.api, log: silentLog });
    await driver.start();
    afterAll(() => driver.stop());
    queue = createJobQueue({ db: world.api, driver, clock: systemClock, log: silentLog });
    // One account that syncs, and one whose platform refuses everything.
    account = await world.connect();
    const worker = world.startWorker();
    await world.settled();
    world.sim.faults.add({ times: Infinity, fault: { kind: 'status', status: 400, body: { error: 'no such thing' } } });
    await world.connect();
    await world.settled();
    expect(await worker.stop()).toEqual([0, null]);
    world.sim.faults.clear();
  }, 120_000);

  describe(`a person at the board on ${name}`, { timeout: 120_000 }, () => {
    test('signs in, is told when the token is wrong, and signs out for good', async (context) => {
      const there = await visit(context, world.address);
      const { page } = there;
      await page.goto(world.address + UPWORK);
      await page.getByLabel('API token').fill('tm_not-a-token');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('alert').waitFor();
      await there.shoot(`${name}-sign-in-refused`);
      expect(await page.content()).not.toContain('tm_not-a-token');
      await page.getByLabel('API token').fill(await issueToken(world.api, ['read']));
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.waitForURL(world.address + UPWORK);
      const other = await page.context().newPage();
      await other.goto(`${world.address}/queues`);
      await other.getByText('sync-upwork').first().waitFor();
      await page.locator('header button').last().click();
      await page.getByText('Sign out').click();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('API token').waitFor();
      await there.shoot(`${name}-signed-out`);
      // The next look of the other tab leads there too.
      await other.getByLabel('API token').waitFor();
      expect(new URL(other.url()).searchParams.get('next')).toBe('/queues');
      there.expectQuiet(401);
    });

    test('sees nothing to press as a viewer, and is refused by the server anyway', async (context) => {
      const there = await enter(context, ['read'], `${UPWORK}?status=failed`);
      const { page } = there;
      await page.locator('pre', { hasText: 'platform.request_invalid' }).first().waitFor();
      const verbs = ['refresh-cw', 'trash-2', 'files', 'pencil', 'play', 'circle-pause'];
      const pressable = () => page.locator(verbs.map((icon) => `button:has(.lucide-${icon})`).join(', ')).count();
      expect(await pressable()).toBe(0);
      await there.shoot(`${name}-viewer-failed`);
      for (const path of ['/queues/job-schedulers', '/queues', '/queues/metrics-history']) {
        await page.goto(world.address + path);
        await page.getByText('sync-upwork').nth(1).waitFor();
        expect(await pressable(), path).toBe(0);
      }
      const refused = await page.evaluate<number>(
        `fetch('/queues/api/queues/sync-upwork/pause', { method: 'PUT' }).then(({ status }) => status)`,
      );
      expect(refused).toBe(403);
      there.expectQuiet(403);
    });

    test('retries dead runs, one and then all, and workers make good of them', async (context) => {
      const there = await enter(context, OPERATOR, `${UPWORK}?status=failed`);
      const { page } = there;
      await page.locator('pre', { hasText: 'platform.request_invalid' }).first().waitFor();
      await there.shoot(`${name}-failed`);
      await jobButton(page, 'refresh-cw').nth(1).click();
      await confirm(page);
      await waitFor(async () => (await queue.counts('sync-upwork')).dead === UPWORK_STREAMS.length - 1, {
        what: 'one retried job',
      });
      await page.getByRole('button', { name: 'Retry all' }).click();
      await confirm(page);
      await waitFor(async () => (await queue.counts('sync-upwork')).dead === 0, { what: 'all retried jobs' });
      world.startWorker();
      await world.settled();
      expect(
        (await runs(`completed_at is not null`)).slice(0, UPWORK_STREAMS.length).map(({ status }) => status),
      ).toEqual(UPWORK_STREAMS.map(() => 'success'));
      await page.goto(`${world.address}${UPWORK}?status=completed`);
      await page.getByText('"success"').first().waitFor();
      await there.shoot(`${name}-completed`);
      // What was retried stays as history, and is not retried twice.
      await page.goto(`${world.address}${UPWORK}?status=failed`);
      await jobButton(page, 'refresh-cw').nth(1).click();
      await confirm(page);
      await notice(page, /another job does its work/);
      there.expectQuiet(409);
    });

    test('adds a job in the dialog, and is told why a bad one is refused', async (context) => {
      const there = await enter(context, OPERATOR, MAINTENANCE);
      const { page } = there;
      await openMenu(page, 'Add job');
      await page.locator('[name="jobName"]').fill('credential.refresh');
      await write(page, 'jobData', '{"integrationId": "somebody"}');
      await there.shoot(`${name}-add-dialog`);
      await page.getByRole('button', { name: 'Add', exact: true }).click();
      await notice(page, /payload of credential\.refresh: integrationId/);
      await there.shoot(`${name}-add-refused`);
      await openMenu(page, 'Add job');
      await page.locator('[name="jobName"]').fill('credential.refresh');
      await write(page, 'jobData', JSON.stringify({ integrationId: account.integrationId }));
      await write(page, 'jobOptions', '{"delay": 3600000}');
      // Its hints come with markup of their own.
      await page.locator('.cm-content').nth(1).getByText('"delay"').hover();
      await page.locator('.cm6-json-schema-hover').waitFor();
      await there.shoot(`${name}-add-good`);
      await page.getByRole('button', { name: 'Add', exact: true }).click();
      await waitFor(async () => (await queue.counts('maintenance')).delayed === 1, { what: 'the added job' });
      await page.getByRole('link', { name: /delayed/i }).click();
      await page.locator('a[href*="/queue/maintenance/"], [class*="jobId"]').first().waitFor();
      await jobButton(page, 'files').click();
      await page.getByRole('button', { name: 'Duplicate', exact: true }).click();
      await waitFor(async () => (await queue.counts('maintenance')).delayed === 2, { what: 'the copy' });
      // What cannot be changed is not offered.
      expect(await jobButton(page, 'pencil').filter({ visible: true }).count()).toBe(0);
      expect(await jobButton(page, 'clock').filter({ visible: true }).count()).toBe(0);
      await there.shoot(`${name}-delayed`);
      there.expectQuiet(422);
    });

    test('promotes a delayed job, removes another, and cleans what is over', async (context) => {
      const [job] = await queue.list({ queue: 'maintenance', states: ['delayed'] });
      const there = await enter(context, OPERATOR, `${MAINTENANCE}/${job!.id}`);
      const { page } = there;
      world.startWorker();
      await page.locator('[class*="jobActions"] button').first().click();
      await confirm(page);
      await waitFor(async () => (await queue.get(job!.id))?.state === 'completed', { what: 'the promoted job' });
      const { jobId } = await delayedRefresh();
      await page.goto(`${world.address}${MAINTENANCE}/${jobId}`);
      await jobButton(page, 'trash-2').click();
      await confirm(page);
      await waitFor(async () => (await queue.get(jobId)) === null, { what: 'the removed job' });
      await page.goto(`${world.address}${UPWORK}?status=completed`);
      await page.getByRole('button', { name: 'Clean all' }).click();
      await confirm(page);
      await waitFor(async () => (await queue.counts('sync-upwork')).completed < 6, { what: 'the cleaned jobs' });
      await there.shoot(`${name}-cleaned`);
      // A page asks once more for the job that was just removed.
      there.expectQuiet(404);
    });

    test('runs a schedule now, changes it, and is told why a bad one is refused', async (context) => {
      const there = await enter(context, OPERATOR, '/queues/job-schedulers');
      const { page } = there;
      world.startWorker();
      const row = page.locator('tr', { hasText: `${account.integrationId}:profile` });
      await row.locator('button:has(.lucide-play)').click();
      await confirm(page);
      await notice(page, /run started/);
      const manual = `trigger = 'manual' and integration_id = '${account.integrationId}'`;
      await waitFor(async () => (await runs(manual))[0]?.status === 'success', { what: 'the run of that schedule' });
      await row.locator('button:has(.lucide-pencil)').click();
      await page.getByLabel('Interval (ms)').fill('61000');
      await page.getByRole('button', { name: 'Save' }).click();
      await notice(page, /whole minutes/);
      await there.shoot(`${name}-schedule-refused`);
      await page.getByLabel('Interval (ms)').fill('7200000');
      await page.getByRole('button', { name: 'Save' }).click();
      await row.getByText('every 2h').waitFor();
      await there.shoot(`${name}-schedules`);
      there.expectQuiet(400);
    });

    test('sees what workers did by hour and how long it took', async (context) => {
      const there = await enter(context, ['read'], '/queues/metrics-history');
      const { page } = there;
      const row = page.locator('tr', { hasText: /^sync-upwork(?!-)/ }).first();
      await row.getByText(/^[\d.]+m?s$/).waitFor();
      await there.shoot(`${name}-history`);
      await page.getByRole('button', { name: 'Latency' }).click();
      await page.getByText('Run p95').first().waitFor();
      await there.shoot(`${name}-latency`);
      await page.locator('main button[aria-haspopup="menu"]').first().click();
      await page.getByRole('menuitem', { name: 'Storage' }).click();
      await page.getByText('Minute detail', { exact: true }).waitFor();
      expect(await page.getByRole('button', { name: 'Clear all history' }).count()).toBe(0);
      await there.shoot(`${name}-storage`);
      there.expectQuiet();
    });

    test('sees where the queue lives', async (context) => {
      const there = await enter(context, ['read']);
      const { page } = there;
      await page.locator('header button').nth(1).click();
      const where = world.config.queue.engine === 'bullmq' ? 'Redis details' : 'PostgreSQL details';
      await page.getByRole('heading', { name: where }).waitFor();
      await there.shoot(`${name}-datastore`);
      there.expectQuiet();
    });

    test('pauses a queue, which holds its work, and limits it', async (context) => {
      const there = await enter(context, OPERATOR, MAINTENANCE);
      const { page } = there;
      await openMenu(page, 'Pause');
      await confirm(page);
      await page.getByText('[ Paused ]').first().waitFor();
      const { jobId } = await delayedRefresh();
      await queue.promote(jobId);
      world.startWorker();
      await openMenu(page, 'Set concurrency');
      await page.locator('input[type="number"]').first().fill('3');
      await page.getByRole('button', { name: /save|set/i }).click();
      await waitFor(
        async () => (await queue.controls()).some((each) => each.queue === 'maintenance' && each.concurrency === 3),
        { what: 'the limit' },
      );
      expect((await queue.get(jobId))?.state).toBe('waiting');
      await page.getByLabel('Queue info').first().click();
      await page.getByText('Connected workers').waitFor();
      await there.shoot(`${name}-paused`);
      await page.getByRole('button', { name: 'Close' }).click();
      await openMenu(page, 'Resume');
      await confirm(page);
      await waitFor(async () => (await queue.get(jobId))?.state === 'completed', { what: 'the job that was held' });
      there.expectQuiet();
    });
  });
}
