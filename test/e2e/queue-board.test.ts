import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { expect, onTestFinished, test, vi, type TestContext } from 'vitest';
import { deadLetterOf, QUEUES } from '../../queues/catalog.ts';
import { issueToken, startApi } from '../support/api.ts';
import { jobView, memoryQueue } from '../support/memory-queue.ts';
import { createTestDatabase } from '../support/postgres.ts';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--no-first-run'];

const REASON = 'the token lacks the scope for proposals';
/** A browser needs its time on a small machine. */
const PATIENCE_MS = 90_000;

const failed = jobView({
  queue: 'sync-upwork',
  state: 'dead',
  attempts: 8,
  finishedAt: new Date('2026-03-01T12:01:00Z'),
  error: { code: 'platform.forbidden', kind: 'scope', message: REASON },
});
const waiting = jobView({ queue: 'metrics', state: 'waiting', kind: 'metrics.rollup', startedAt: null, attempts: 0 });

vi.setConfig({ testTimeout: PATIENCE_MS });

const database = await createTestDatabase();
const db = database.open('tidemark_api');

interface Visit {
  readonly page: Page;
  readonly address: string;
  /** Lines of the console and failed requests that a person would call a problem. */
  readonly complaints: string[];
  readonly foreign: string[];
}

/** A browser that brings the token as password, pointed at a board with one failed and one waiting job. */
async function visit(context: TestContext): Promise<Visit> {
  if (!existsSync(CHROMIUM)) context.skip('needs Chromium');
  const { address } = await startApi(db, { queue: memoryQueue([failed, waiting]) });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  onTestFinished(() => browser.close());
  const password = await issueToken(db, ['read']);
  const page = await browser.newPage({
    httpCredentials: { username: 'anyone', password },
    viewport: { width: 1400, height: 900 },
  });
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  const foreign: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`page: ${error.message}`));
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.origin !== address) foreign.push(url.href);
  });
  return { page, address, complaints, foreign };
}

test('the overview lists every queue and its dead letter, and asks nobody else', async (context) => {
  const { page, address, complaints, foreign } = await visit(context);
  await page.goto(`${address}/queues`);
  for (const queue of QUEUES.flatMap((name) => [name, deadLetterOf(name)]))
    await page.locator(`a[href*="/queue/${queue}"]`).first().waitFor();
  const folder = await mkdtemp(path.join(tmpdir(), 'tidemark-board-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const picture = await page.screenshot({ path: path.join(folder, 'overview.png') });
  expect(picture.byteLength).toBeGreaterThan(10_000);
  expect({ complaints, foreign }).toEqual({ complaints: [], foreign: [] });
});

test('the failed list shows why a job failed, and offers no verb that changes something', async (context) => {
  const { page, address, complaints, foreign } = await visit(context);
  await page.goto(`${address}/queues/queue/sync-upwork?status=failed`);
  await page.locator('pre', { hasText: REASON }).waitFor();
  await page.getByText(failed.id).first().waitFor();
  expect(await page.getByRole('button', { name: /retry|clean|promote|remove|delete/i }).count()).toBe(0);
  expect({ complaints, foreign }).toEqual({ complaints: [], foreign: [] });
});

test('a job has a page of its own with its payload', async (context) => {
  const { page, address, complaints, foreign } = await visit(context);
  await page.goto(`${address}/queues/queue/sync-upwork/${failed.id}`);
  await page.locator('pre', { hasText: REASON }).waitFor();
  await page.getByRole('tab', { name: 'Data' }).click();
  await page.getByText((failed.payload as { runId: string }).runId).waitFor();
  expect(await page.locator('body').innerText()).toContain('sync.run');
  expect({ complaints, foreign }).toEqual({ complaints: [], foreign: [] });
});
