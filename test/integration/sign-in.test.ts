import { afterEach, describe, expect, test } from 'vitest';
import { revokeApiToken } from '../../src/store/api-tokens.ts';
import { localPath } from '../../src/api/sign-in.ts';
import { createToken } from '../../src/vault/token.ts';
import { issueToken, startApi } from '../support/api.ts';
import { createTestDatabase } from '../support/postgres.ts';

const database = await createTestDatabase();
const db = database.open('tidemark_api');
// All tests come from one address.
afterEach(() => database.asSuperuser('truncate door_guesses'));

async function signIn(address: string, token: string, { next = '/queues', headers = {} } = {}) {
  const response = await fetch(`${address}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: address, ...headers },
    body: new URLSearchParams({ token, next }).toString(),
  });
  const cookie = response.headers.get('set-cookie') ?? '';
  return { response, cookie, session: cookie.split(';')[0]! };
}

const asPage = { accept: 'text/html' };

describe('signing in', () => {
  test('a browser without a session is led to the page and back', async () => {
    const { address } = await startApi(db);
    const led = await fetch(`${address}/queues/queue/metrics?status=failed`, { headers: asPage, redirect: 'manual' });
    expect([led.status, led.headers.get('location')]).toEqual([
      302,
      `/sign-in?next=${encodeURIComponent('/queues/queue/metrics?status=failed')}`,
    ]);
    const page = await fetch(address + led.headers.get('location')!);
    expect(await page.text()).toContain('value="/queues/queue/metrics?status=failed"');
  });

  test('a token becomes a cookie that script cannot read and other sites cannot use', async () => {
    const { address } = await startApi(db);
    const token = await issueToken(db, ['read']);
    const { response, cookie, session } = await signIn(address, token);
    expect([response.status, response.headers.get('location')]).toEqual([303, '/queues']);
    expect(cookie).toMatch(/^tidemark_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    expect(cookie).not.toContain(token);
    expect((await fetch(`${address}/queues/api/queues`, { headers: { cookie: session } })).status).toBe(200);
    const rows = await database.asSuperuser<{ hash: string }>(
      `select encode(session_hash, 'base64') as hash from console_sessions`,
    );
    expect(rows.some(({ hash }) => hash.includes(session.split('=')[1]!))).toBe(false);
  });

  test('behind a trusted proxy with TLS the cookie is for TLS only; the header of anybody else is not believed', async () => {
    const token = await issueToken(db, ['read']);
    const headers = { 'x-forwarded-proto': 'https' };
    const trusting = await startApi(db, { trustedProxies: ['127.0.0.1'] });
    expect((await signIn(trusting.address, token, { headers })).cookie).toContain('; Secure');
    const alone = await startApi(db);
    expect((await signIn(alone.address, token, { headers })).cookie).not.toContain('Secure');
  });

  test('a wrong token is told so, is not shown again, and is written down', async () => {
    const { address } = await startApi(db);
    for (const wrong of [createToken().reveal(), 'tm_<script>alert(1)</script>', '']) {
      const { response, cookie } = await signIn(address, wrong);
      const html = await response.text();
      expect([response.status, cookie]).toEqual([401, '']);
      expect(html).toContain('role="alert"');
      if (wrong !== '') expect(html).not.toContain(wrong);
    }
    const rows = await database.asSuperuser(
      `select distinct severity, address, token_id from security_logs where event = 'sign_in.refused'`,
    );
    expect(rows).toEqual([{ severity: 'warning', address: '127.0.0.1', token_id: null }]);
  });

  test('a token that may not look is told what it lacks', async () => {
    const { address } = await startApi(db);
    const { response, cookie } = await signIn(address, await issueToken(db, ['enqueue']));
    expect([response.status, cookie]).toEqual([403, '']);
    expect(await response.text()).toContain('lacks the scope read');
  });

  test('guesses end in a refusal that costs no line of the log', async () => {
    const { address } = await startApi(db);
    const count = async () =>
      (await database.asSuperuser(`select from security_logs where event = 'sign_in.refused'`)).length;
    const before = await count();
    const statuses: number[] = [];
    for (let guess = 0; guess < 70; guess++)
      statuses.push((await signIn(address, createToken().reveal())).response.status);
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
    expect((await count()) - before).toBe(statuses.filter((status) => status === 401).length);
  });

  test('signing in again ends the session before', async () => {
    const { address } = await startApi(db);
    const token = await issueToken(db, ['read']);
    const first = await signIn(address, token);
    const second = await signIn(address, token, { headers: { cookie: first.session } });
    const look = async (cookie: string) =>
      (await fetch(`${address}/queues/api/queues`, { headers: { cookie } })).status;
    expect([await look(first.session), await look(second.session)]).toEqual([401, 200]);
  });

  test('a trusted proxy may say which host a page was asked of, nobody else', async () => {
    const token = await issueToken(db, ['read']);
    const headers = { origin: 'http://tidemark.example', 'x-forwarded-host': 'tidemark.example' };
    const trusting = await startApi(db, { trustedProxies: ['127.0.0.1'] });
    expect((await signIn(trusting.address, token, { headers })).response.status).toBe(303);
    const alone = await startApi(db);
    expect((await signIn(alone.address, token, { headers })).response.status).toBe(403);
  });

  test('a foreign page cannot sign anybody in or out', async () => {
    const { address } = await startApi(db);
    const token = await issueToken(db, ['read']);
    expect((await signIn(address, token, { headers: { origin: 'https://evil.example' } })).response.status).toBe(403);
    const { session } = await signIn(address, token);
    const out = await fetch(`${address}/sign-out`, {
      method: 'POST',
      headers: { cookie: session, origin: 'https://evil.example' },
    });
    expect(out.status).toBe(403);
    expect((await fetch(`${address}/queues/api/queues`, { headers: { cookie: session } })).status).toBe(200);
  });

  test('signing out ends the session on the server', async () => {
    const { address } = await startApi(db);
    const { session } = await signIn(address, await issueToken(db, ['read']));
    const out = await fetch(`${address}/sign-out`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: session, origin: address },
    });
    expect([out.status, out.headers.get('set-cookie')]).toEqual([303, expect.stringContaining('Max-Age=0')]);
    expect((await fetch(`${address}/queues/api/queues`, { headers: { cookie: session } })).status).toBe(401);
  });

  test('a session ends with its token, with its time, and when nobody was there', async () => {
    const { address } = await startApi(db);
    const look = async (cookie: string) =>
      (await fetch(`${address}/queues/api/queues`, { headers: { cookie } })).status;
    const [byToken, byTime, byIdling] = await Promise.all(
      [1, 2, 3].map(async () => (await signIn(address, await issueToken(db, ['read']))).session),
    );
    const [{ token_id: id } = { token_id: '' }] = await database.asSuperuser<{ token_id: string }>(
      `select token_id from console_sessions order by created_at desc limit 1`,
    );
    const all = [byToken, byTime, byIdling] as string[];
    expect(await Promise.all(all.map(look))).toEqual([200, 200, 200]);
    await revokeApiToken(db, id, new Date());
    expect((await Promise.all(all.map(look))).filter((status) => status === 401)).toHaveLength(1);
    await database.asSuperuser(`update console_sessions set expires_at = now() - interval '1 s'`);
    expect(await Promise.all(all.map(look))).toEqual([401, 401, 401]);
    await database.asSuperuser(
      `update console_sessions set expires_at = now() + interval '1 h', seen_at = now() - interval '3 h'`,
    );
    expect(await Promise.all(all.map(look))).toEqual([401, 401, 401]);
  });

  test('a token keeps its newest sessions only', async () => {
    const { address } = await startApi(db);
    const token = await issueToken(db, ['read']);
    const { session } = await signIn(address, token);
    for (let i = 0; i < 50; i++) await signIn(address, token);
    expect((await fetch(`${address}/queues/api/queues`, { headers: { cookie: session } })).status).toBe(401);
  });

  test.for([
    ['/queues?x=1', '/queues?x=1'],
    ['//evil.example', '/queues'],
    ['/\\evil.example', '/queues'],
    ['https://evil.example', '/queues'],
    ['javascript:alert(1)', '/queues'],
    ['/a\r\nset-cookie: x', '/queues'],
    [null, '/queues'],
  ] as const)('after signing in %j leads to %s', ([wanted, path]) => {
    expect(localPath(wanted)).toBe(path);
  });
});
