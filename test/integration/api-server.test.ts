import { once } from 'node:events';
import { request as sendRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { Health } from '../../src/lifecycle/service.ts';
import type { EventFields, EventLog } from '../../src/telemetry/event-log.ts';
import { createToken } from '../../src/vault/token.ts';
import { basic, bearer, issueToken, startApi } from '../support/api.ts';
import { jobView, memoryQueue } from '../support/memory-queue.ts';
import { createTestDatabase } from '../support/postgres.ts';

const database = await createTestDatabase();
const db = database.open('tidemark_api');
const read = await issueToken(db, ['read']);

const CLOSED = ['/metrics', '/queues', '/queues/', '/queues/api/queues', '/queues/static/js/main.js'];

/** A route of the board that reads a body before it refuses. */
const ADD = '/queues/api/queues/sync-upwork/add';

async function problemOf(response: Response): Promise<{ status: number; code: unknown }> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const body = (await response.json()) as Record<string, unknown>;
  expect(body).toMatchObject({ type: 'about:blank', status: response.status, detail: expect.any(String) as string });
  return { status: response.status, code: body['code'] };
}

/** Sends the path as it is; `fetch` would resolve its dots first. */
async function getRaw(address: string, path: string, headers: Record<string, string>): Promise<[number, string]> {
  const { hostname, port } = new URL(address);
  const request = sendRequest({ hostname, port, path, headers });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return [response.statusCode ?? 0, await text(response)];
}

describe('health', () => {
  test('/healthz is open to everybody', async () => {
    const { address } = await startApi(db);
    const response = await fetch(`${address}/healthz`);
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }]);
  });

  test.for([
    ['ok', 200],
    ['degraded', 200],
    ['down', 503],
  ] as const)('/readyz with a check that is %s answers %i and names it', async ([status, expected]) => {
    const checks: Record<string, Health> = { database: { status: 'ok' }, queue: { status, reason: 'no answer' } };
    const { address } = await startApi(db, { readiness: async () => checks });
    const response = await fetch(`${address}/readyz`);
    expect(response.status).toBe(expected);
    expect(await response.json()).toMatchObject({ checks });
  });
});

describe('tokens', () => {
  test.for(CLOSED)('%s asks for a token and says how to bring one', async (path) => {
    const { address } = await startApi(db);
    const response = await fetch(address + path);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm=/);
    expect(await problemOf(response)).toEqual({ status: 401, code: 'api.unauthorized' });
  });

  test.for(CLOSED)('%s refuses a token that lacks the scope', async (path) => {
    const { address } = await startApi(db);
    const response = await fetch(address + path, { headers: bearer(await issueToken(db, ['enqueue'])) });
    expect(await problemOf(response)).toEqual({ status: 403, code: 'api.forbidden' });
  });

  test('a token works as bearer, as password of basic authentication, and admin includes reading', async () => {
    const { address } = await startApi(db);
    const admin = await issueToken(db, ['admin']);
    for (const path of ['/metrics', '/queues', '/queues/api/queues']) {
      for (const headers of [bearer(read), basic(read), basic(read, ''), bearer(admin)]) {
        expect((await fetch(address + path, { headers })).status, path).toBe(200);
      }
    }
  });

  test('revoked, expired, unknown and malformed tokens are refused alike', async () => {
    const { address } = await startApi(db);
    const refused = [
      bearer(await issueToken(db, ['admin'], { revoked: true })),
      basic(await issueToken(db, ['admin'], { revoked: true })),
      bearer(await issueToken(db, ['admin'], { expiresAt: new Date(Date.now() - 1_000) })),
      bearer(createToken().reveal()),
      bearer(`${read}x`),
      basic(''),
      { authorization: read },
      { authorization: 'Basic %%%' },
      { authorization: 'Bearer ' },
    ];
    for (const headers of refused) {
      expect((await fetch(`${address}/metrics`, { headers })).status, JSON.stringify(headers)).toBe(401);
    }
  });

  test('a token in the address opens nothing', async () => {
    const { address } = await startApi(db);
    expect((await fetch(`${address}/metrics?token=${read}&access_token=${read}`)).status).toBe(401);
  });
});

describe('answers', () => {
  test.for(['/healthz', '/metrics', '/queues', '/nowhere'])('%s carries the security headers', async (path) => {
    const { address } = await startApi(db);
    for (const headers of [{}, bearer(read)]) {
      const response = await fetch(address + path, { headers });
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'same-origin',
        'cache-control': 'no-store',
      });
      const policy = response.headers.get('content-security-policy');
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
    }
  });

  test('an unknown address is a 404 problem', async () => {
    const { address } = await startApi(db);
    expect(await problemOf(await fetch(`${address}/nowhere`))).toEqual({ status: 404, code: 'not_found' });
  });

  test('what went wrong inside stays in the log', async () => {
    const told: (EventFields | undefined)[] = [];
    const log: EventLog = { emit: (_event, fields) => void told.push(fields), with: () => log };
    const metrics = async () => Promise.reject(new Error('connect to postgres://secret-host failed'));
    const { address } = await startApi(db, { metrics, log });
    const response = await fetch(`${address}/metrics`, { headers: bearer(read) });
    const copy = response.clone();
    expect(await problemOf(response)).toEqual({ status: 500, code: 'internal' });
    expect(await copy.text()).not.toContain('secret-host');
    expect(told).toMatchObject([
      { service: 'api', error: { message: expect.stringContaining('secret-host') as string } },
    ]);
  });

  test.for(['/nowhere', ADD])('a body of 10 MB sent to %s is refused', async (path) => {
    const told: unknown[] = [];
    const log: EventLog = { emit: (event) => void told.push(event), with: () => log };
    const { address } = await startApi(db, { log });
    const response = await fetch(address + path, {
      method: 'POST',
      headers: { ...bearer(read), 'content-type': 'application/json' },
      body: JSON.stringify('x'.repeat(10 * 1024 * 1024)),
    });
    expect(await problemOf(response)).toEqual({ status: 413, code: 'api.body_too_large' });
    expect(told).toEqual([]);
  });

  test.for([
    ['application/json', '{"broken', 400, 'input.invalid'],
    ['application/x-unheard-of', 'x', 415, 'api.media_type'],
  ] as const)("a body of type %s that cannot be read is the sender's fault", async ([type, body, status, code]) => {
    const { address } = await startApi(db);
    const headers = { ...bearer(read), 'content-type': type };
    const response = await fetch(address + ADD, { method: 'POST', headers, body });
    expect(await problemOf(response)).toEqual({ status, code });
  });

  test.for([
    '/queues/static/../../../../../../package.json',
    '/queues/static/..%2f..%2f..%2f..%2fpackage.json',
    '/queues/static/%2e%2e/%2e%2e/%2e%2e/package.json',
    '/queues/static/..%5c..%5cpackage.json',
    '/queues/static/%00',
    '//etc/passwd',
    '/%',
  ])('%s leads out of nothing', async (path) => {
    const { address } = await startApi(db);
    const [status, body] = await getRaw(address, path, bearer(read));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(body).not.toMatch(/"(dependencies|version)"|root:/);
  });
});

describe('the board', () => {
  test('changes nothing for whoever may only read', async () => {
    const job = jobView({ queue: 'sync-upwork', state: 'dead' });
    const { address } = await startApi(db, { queue: memoryQueue([job]) });
    const base = `${address}/queues/api/queues/sync-upwork`;
    const headers = bearer(read);
    for (const path of [`/${job.id}/retry/failed`, `/${job.id}/clean`, `/${job.id}/promote`, '/pause', '/empty']) {
      const response = await fetch(base + path, { method: 'PUT', headers });
      expect(response.status, path).toBeGreaterThanOrEqual(400);
      expect(response.status, path).toBeLessThan(500);
    }
  });

  test('a queue that does not answer is a server fault without its inside', async () => {
    const counts = async () => Promise.reject(new AppError('db.unavailable', 'database: no route to secret-host'));
    const told: (EventFields | undefined)[] = [];
    const log: EventLog = { emit: (_event, fields) => void told.push(fields), with: () => log };
    const { address } = await startApi(db, { queue: { ...memoryQueue([]), counts }, log });
    const response = await fetch(`${address}/queues/api/queues`, { headers: bearer(read) });
    const copy = response.clone();
    expect(await problemOf(response)).toEqual({ status: 503, code: 'db.unavailable' });
    expect(await copy.text()).not.toContain('secret-host');
    expect(told).toMatchObject([{ error: { code: 'db.unavailable' } }]);
  });
});

describe('the service', () => {
  test('says which address it could not listen on', async () => {
    const { address } = await startApi(db);
    const port = Number(new URL(address).port);
    await expect(startApi(db, { port })).rejects.toMatchObject({
      code: 'service.address_unusable',
      message: expect.stringContaining(`127.0.0.1:${port}`) as string,
    });
  });

  test('stops twice without complaint and is down afterwards', async () => {
    const server = await startApi(db);
    await server.stop();
    await server.stop();
    expect(await server.health?.()).toMatchObject({ status: 'down' });
    await expect(fetch(`${server.address}/healthz`)).rejects.toThrow('fetch failed');
  });
});
