// A real browser, and everything that a person would call a problem of a page: lines of the console, failed requests,
// breaches of the page's own policy, requests to anybody else.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { expect, onTestFinished, type TestContext } from 'vitest';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--no-first-run'];
const PATIENCE_MS = 20_000;
/** Chromium's advice about a file that was loaded ahead and is needed later. */
const PREFETCHED = /was preloaded using link preload but not used/;

let launched: Promise<Browser> | undefined;

/** One browser for the whole file; skips the test where there is none. */
export async function openBrowser(context: TestContext): Promise<Browser> {
  if (!existsSync(CHROMIUM)) context.skip('needs Chromium');
  launched ??= chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  return await launched;
}

export async function closeBrowser(): Promise<void> {
  await (await launched)?.close();
}

export interface Visit {
  readonly page: Page;
  readonly address: string;
  /** Fails when something was wrong; answers of these statuses were asked for. */
  expectQuiet(...expected: readonly number[]): void;
  /** Kept in the folder TIDEMARK_SHOTS, where a person wants to look at it. */
  shoot(name: string): Promise<void>;
}

/** A page of its own session, closed with the test. */
export async function visit(context: TestContext, address: string): Promise<Visit> {
  const browser = await openBrowser(context);
  const session = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  onTestFinished(() => session.close());
  const page = await session.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints: { readonly text: string; readonly status?: number }[] = [];
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type()) || PREFETCHED.test(message.text())) return;
    const [, status] = /responded with a status of (\d+)/.exec(message.text()) ?? [];
    complaints.push({
      text: `console: ${message.text()}`,
      ...(status === undefined ? {} : { status: Number(status) }),
    });
  });
  page.on('pageerror', (error) => complaints.push({ text: `page: ${error.message}` }));
  page.on('response', (response) => {
    if (response.status() >= 400)
      complaints.push({ text: `${response.status()} ${response.url()}`, status: response.status() });
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.origin !== address) complaints.push({ text: `foreign: ${url.href}` });
  });
  return {
    page,
    address,
    expectQuiet(...expected) {
      const left = complaints.filter(({ status }) => status === undefined || !expected.includes(status));
      expect(left.map(({ text }) => text)).toEqual([]);
    },
    async shoot(name) {
      const wanted = process.env['TIDEMARK_SHOTS'];
      const folder = wanted ?? (await mkdtemp(path.join(tmpdir(), 'tidemark-shots-')));
      await mkdir(folder, { recursive: true });
      // Hiding the caret would add a style to the page, past its policy.
      const picture = await page.screenshot({ path: path.join(folder, `${name}.png`), caret: 'initial' });
      expect(picture.byteLength).toBeGreaterThan(5_000);
      if (wanted === undefined) await rm(folder, { recursive: true });
    },
  };
}

/** As a person does it, on the sign-in page. */
export async function signInWith({ page, address }: Visit, token: string, next = '/queues'): Promise<void> {
  await page.goto(address + next);
  await page.getByLabel('API token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
}
