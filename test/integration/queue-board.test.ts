// The board's doors: who may do what, from where, what is written down, and what never leaves.

import { appRoutes } from '@bull-board/api/dist/routes.js';
import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { uuidv7 } from '../../src/core/ids.ts';
import type { Scope } from '../../src/core/scopes.ts';
import { verbOf } from '../../src/dashboard/bull-board/rights.ts';
import { listAudit } from '../../src/store/audit-logs.ts';
import { basic, bearer, issueToken, startApi } from '../support/api.ts';
import { apiQueue } from '../support/api-client.ts';
import { openPgBoss } from '../support/engines-under-test.ts';
import { jobView, memoryQueue } from '../support/memory-queue.ts';

const engine = await openPgBoss();
afterAll(() => engine.driver.stop());
const db = engine.databases.api;
const { address } = await startApi(db, { queue: apiQueue(db, engine.driver), whenOver: afterAll });
const OPERATOR: readonly Scope[] = ['read', 'enqueue', 'operate'];

type Login = Readonly<Record<string, string>>;

interface Route {
  readonly method: string;
  readonly path: string;
}

const ROUTES: readonly Route[] = appRoutes.api.flatMap(({ method, route }) =>
  [method].flat().flatMap((each) => [route].flat().map((path) => ({ method: each.toUpperCase(), path }))),
);
const MUTATING = ROUTES.filter(({ method }) => method !== 'GET');
const READING = ROUTES.filter(({ method }) => method === 'GET');

/** The route with something in place of its parameters. */
function fill(path: string, given: { readonly queue?: string; readonly job?: string; readonly other?: string } = {}) {
  const { queue = 'maintenance', job = randomUUID(), other = 'failed' } = given;
  return path
    .replace(':queueName', encodeURIComponent(queue))
    .replace(':jobId', encodeURIComponent(job))
    .replace(':schedulerId', encodeURIComponent(`${job}:jobs`))
    .replace(':queueStatus', encodeURIComponent(other));
}

async function ask(
  { method, path }: Route,
  { headers, body }: { readonly headers: Login; readonly body?: unknown },
): Promise<Response> {
  return await fetch(`${address}/queues${path}`, {
    method,
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** A session, as the sign-in page gives it. */
async function sessionOf(scopes: readonly Scope[]): Promise<string> {
  const token = await issueToken(db, scopes);
  const response = await fetch(`${address}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: address },
    body: new URLSearchParams({ token }).toString(),
  });
  return response.headers.get('set-cookie')!.split(';')[0]!;
}

describe('rights', () => {
  test('every verb that the board has is known, and what it may learn is for admins', () => {
    expect(MUTATING.filter(({ method, path }) => verbOf(method, path)?.action === 'board.unknown')).toEqual([]);
    expect(verbOf('DELETE', '/api/queues/:queueName/pause')).toMatchObject({ scope: 'admin' });
    expect(verbOf('PUT', '/api/queues/:queueName/:jobId/explode')).toMatchObject({ scope: 'admin' });
  });

  test.for(MUTATING)('$method $path is refused to whoever may only look, and written down', async (route) => {
    const path = fill(route.path);
    const viewer = await issueToken(db, ['read']);
    const response = await ask({ ...route, path }, { headers: bearer(viewer), body: {} });
    expect([response.status, await response.json()]).toMatchObject([403, { code: 'api.forbidden' }]);
    const action = verbOf(route.method, route.path)!.action;
    const rows = await listAudit(db, { action, limit: 1_000 });
    expect(rows.map(({ outcome }) => outcome)).toContain('refused');
  });

  test.for([
    ['PUT', '/api/queues/maintenance/empty', 'api.forbidden', OPERATOR],
    ['PUT', '/api/queues/maintenance/obliterate', 'api.forbidden', OPERATOR],
    ['POST', '/api/metrics/history/purge', 'api.forbidden', OPERATOR],
    ['POST', '/api/queues/maintenance/add', 'api.forbidden', ['read', 'operate']],
    ['PUT', '/api/queues/maintenance/pause', 'api.forbidden', ['read', 'enqueue']],
  ] as const)('%s %s answers %s to %j', async ([method, path, code, scopes]) => {
    const response = await ask({ method, path }, { headers: bearer(await issueToken(db, scopes)), body: {} });
    expect(await response.json()).toMatchObject({ code });
  });

  test('the page offers buttons to operators, and clearing the history to admins', async () => {
    const seen = async (scopes: readonly Scope[]) => {
      const headers = bearer(await issueToken(db, scopes));
      const { queues } = (await (await ask({ method: 'GET', path: '/api/queues' }, { headers })).json()) as {
        readonly queues: readonly { readonly readOnlyMode: boolean; readonly allowRetries: boolean }[];
      };
      const html = await (await fetch(`${address}/queues`, { headers })).text();
      const isReadOnly = queues.every(({ readOnlyMode, allowRetries }) => readOnlyMode && !allowRetries);
      return { isReadOnly, purges: html.includes('"canPurgeHistory":true') };
    };
    expect(await seen(['read'])).toEqual({ isReadOnly: true, purges: false });
    expect(await seen(OPERATOR)).toEqual({ isReadOnly: false, purges: false });
    expect(await seen(['admin'])).toEqual({ isReadOnly: false, purges: true });
  });
});

describe('other sites', () => {
  const foreign: readonly Login[] = [
    {},
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site', origin: address },
  ];

  test.for(MUTATING)('$method $path is refused to a browser that another page sends', async (route) => {
    const cookie = await sessionOf(['admin']);
    const password = basic(await issueToken(db, ['admin']));
    for (const from of foreign)
      for (const login of [{ cookie }, password] satisfies readonly Login[]) {
        const response = await ask({ ...route, path: fill(route.path) }, { headers: { ...login, ...from }, body: {} });
        expect([response.status, await response.json()]).toMatchObject([403, { code: 'api.cross_site' }]);
      }
  });

  test('our own page and a bearer token pass', async () => {
    const pause = { method: 'PUT', path: '/api/queues/webhooks/pause' };
    const cookie = await sessionOf(OPERATOR);
    const passing: readonly Login[] = [
      { cookie, 'sec-fetch-site': 'same-origin' },
      { cookie, origin: address },
      bearer(await issueToken(db, OPERATOR)),
    ];
    for (const headers of passing) expect((await ask(pause, { headers })).status).toBe(200);
  });
});

describe('the audit log', () => {
  test('says who did what to what, with the figures, and never a payload', async () => {
    const headers = bearer(await issueToken(db, OPERATOR));
    const secret = `canary-${randomUUID()}`;
    await ask({ method: 'PUT', path: '/api/queues/webhooks/concurrency' }, { headers, body: { concurrency: 7 } });
    const bad = { name: 'credential.refresh', data: { integrationId: secret }, options: {} };
    await ask({ method: 'POST', path: '/api/queues/maintenance/add' }, { headers, body: bad });
    const good = { ...bad, data: { integrationId: randomUUID() } };
    const added = await ask({ method: 'POST', path: '/api/queues/maintenance/add' }, { headers, body: good });
    const { job } = (await added.json()) as { readonly job: { readonly id: string } };
    const [limit] = await listAudit(db, { action: 'board.concurrency', target: 'webhooks', limit: 1 });
    expect(limit).toMatchObject({ tokenName: 'test', details: { concurrency: 7 }, outcome: 'done' });
    const rows = await listAudit(db, { action: 'board.add', limit: 2 });
    expect(rows.map(({ outcome, details }) => ({ outcome, details }))).toEqual([
      { outcome: 'done', details: { name: 'credential.refresh', jobId: job.id } },
      { outcome: 'refused', details: { name: 'credential.refresh' } },
    ]);
    expect(JSON.stringify(rows)).not.toContain(secret);
  });

  test('has no row of somebody whom nobody knows', async () => {
    const count = async () => (await engine.asSuperuser('select 1 from audit_logs')).length;
    const before = await count();
    const strangers: readonly Login[] = [
      {},
      bearer('tm_wrong'),
      { cookie: `tidemark_session=${'x'.repeat(43)}`, origin: address },
    ];
    for (const headers of strangers)
      expect((await ask({ method: 'PUT', path: '/api/queues/webhooks/pause' }, { headers })).status).toBe(401);
    expect(await count()).toBe(before);
  });
});

describe('input that nobody would send by mistake', () => {
  const NAMES = ['', '%', '../../etc', "'; drop table job_ledger", '\u0000', 'ü'.repeat(300), '__proto__'];
  const BODIES: readonly unknown[] = [
    {},
    [],
    'text',
    7,
    { name: {}, data: [], options: [] },
    { name: 'credential.refresh', data: { integrationId: 'no' }, options: { delay: -1 } },
    { name: 'credential.refresh', data: { integrationId: randomUUID() }, options: { attempts: 1, nothing: 2 } },
    { concurrency: 1e12, max: 1e15, duration: 1e15, every: 1, pattern: '* * * * * * *', tz: 'Nowhere/Land' },
    { queue: 'nowhere', before: '9999-99-99', jobData: null, runAt: 1e300, priority: -1 },
  ];

  test.for(ROUTES)('$method $path answers it without a failure of ours', { timeout: 30_000 }, async (route) => {
    const headers = bearer(await issueToken(db, ['admin']));
    const failed: unknown[] = [];
    const attempt = async (path: string, body?: unknown) => {
      const response = await ask({ method: route.method, path }, { headers, ...(body === undefined ? {} : { body }) });
      const text = await response.text();
      if (response.status >= 500) failed.push([path, body, response.status, text]);
    };
    const path = fill(route.path);
    if (route.method === 'GET')
      for (const name of NAMES)
        await attempt(`${path}?activeQueue=${encodeURIComponent(name)}&status=${encodeURIComponent(name)}&page=-1`);
    else for (const body of BODIES) await attempt(path, body);
    for (const name of NAMES) await attempt(fill(route.path, { queue: name }), bodyFor(route));
    for (const name of NAMES) await attempt(fill(route.path, { job: name, other: name }), bodyFor(route));
    expect(failed).toEqual([]);
  });

  const bodyFor = ({ method }: Route): unknown => (method === 'GET' ? undefined : {});
});

describe('secrets', () => {
  const canary = `c4n4ry${randomUUID().replaceAll('-', '')}`;
  const job = jobView({
    queue: 'sync-upwork',
    state: 'dead',
    payload: { runId: uuidv7(), api_key: canary, note: `https://u:${canary}@x/?access_token=${canary}` },
    result: { token: canary, text: `Bearer ${canary}` },
    error: {
      code: 'platform.forbidden',
      kind: 'scope',
      message: `refused: access_token=${canary}`,
      details: { cookie: canary, url: `https://x/?token=${canary}` },
    },
    progress: { fraction: 0.4, note: `at https://x/?api_key=${canary}` },
  });

  test('are in no answer and on no page of the board', async () => {
    const queue = {
      ...memoryQueue([job]),
      logs: async () => [{ at: new Date(), level: 'info' as const, line: `asked https://x/?token=${canary}` }],
    };
    const board = await startApi(db, { queue });
    const headers = bearer(await issueToken(db, ['admin']));
    const pages = ['', '/queue/sync-upwork', `/queue/sync-upwork/${job.id}`];
    const asked = READING.map(({ path }) => fill(path, { queue: 'sync-upwork', job: job.id }));
    const listed = ['latest', 'failed'].map((status) => `/api/queues?activeQueue=sync-upwork&status=${status}`);
    for (const path of [...pages, ...asked, ...listed]) {
      const text = await (await fetch(`${board.address}/queues${path}`, { headers })).text();
      expect(text, path).not.toContain(canary);
    }
    const shown = await fetch(`${board.address}/queues/api/queues/sync-upwork/${job.id}`, { headers });
    expect(await shown.json()).toMatchObject({
      job: {
        data: { api_key: '[redacted]' },
        progress: { progress: 40, note: expect.stringContaining('[redacted]') as string },
      },
    });
  });
});

describe('files and pages', () => {
  const headers = async () => bearer(await issueToken(db, ['read']));
  const policyOf = (response: Response) => response.headers.get('content-security-policy') ?? '';

  test('the page lets nothing run that is not a file of ours, and each answer has a nonce of its own', async () => {
    const [one, two] = [
      await fetch(`${address}/queues`, { headers: await headers() }),
      await fetch(`${address}/queues`, { headers: await headers() }),
    ];
    for (const policy of [policyOf(one), policyOf(two)]) {
      expect(policy).not.toContain('unsafe');
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[\w-]{22}'; /);
      for (const part of ["frame-ancestors 'none'", "form-action 'self'", "base-uri 'self'"])
        expect(policy).toContain(part);
    }
    expect(policyOf(one)).not.toBe(policyOf(two));
    const html = await one.text();
    expect(html).not.toMatch(/https?:\/\/|<style|style="|<script>|\son\w+=/);
  });

  test('what is named by its content is kept for ever, the rest is not kept', async () => {
    const html = await (await fetch(`${address}/queues`, { headers: await headers() })).text();
    const files = [...html.matchAll(/(?:src|href)="((?:static|own)\/[^"]+\.(?:js|css))"/g)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThanOrEqual(5);
    const cacheOf = async (path: string) =>
      (await fetch(`${address}${path}`, { headers: await headers() })).headers.get('cache-control');
    for (const file of files) expect(await cacheOf(`/queues/${file}`), file).toMatch(/^private, .*immutable$/);
    for (const path of [
      '/queues',
      '/queues/api/queues',
      '/queues/static/locales/en-US/messages.json',
      '/queues/static/js/none.0123456789.js',
    ])
      expect(await cacheOf(path), path).toBe('no-store');
    const rules = await (await fetch(`${address}/assets/fonts.css`)).text();
    const [font] = /\/assets\/fonts\/[^)]+cyrillic-400-normal\.woff2/.exec(rules)!;
    expect(await cacheOf(font)).toMatch(/immutable$/);
  });
});
