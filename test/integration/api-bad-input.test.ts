import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { addUser } from '../../src/store/users.ts';
import { createToken } from '../../src/vault/token.ts';
import { bearer, basic, issueToken } from '../support/api.ts';
import { apiQueue, callerOf, openApi } from '../support/api-client.ts';
import { openPgBoss } from '../support/engines-under-test.ts';

const engine = await openPgBoss();
afterAll(() => engine.driver.stop());
const db = engine.databases.api;
const queue = apiQueue(db, engine.driver);
const call = await openApi(db, queue, { whenOver: afterAll });
const { address } = call;
// All tests come from one address.
afterEach(() => engine.asSuperuser('truncate door_guesses'));
const user = await db.tx({ kind: 'ops' }, (tx) => addUser(tx, { email: 'ada@example.com', name: 'Ada' }));
const ID = '01890000-0000-7000-8000-00000000000a';

const HOSTILE = [
  `'; drop table users; --`,
  `" or 1=1 --`,
  `<script>alert(1)</script>`,
  `<img src=x onerror=alert(1)>`,
  '${7*7}{{7*7}}',
  '../../../etc/passwd',
  '\u202e\ufeff\u0007',
  'x'.repeat(5_000),
];
const UNSTORABLE = ['nul \0 here', 'half \ud800 pair'];

const WRITES: readonly (readonly [method: string, path: string, scope: string])[] = [
  ['POST', '/v1/users', 'admin'],
  ['PATCH', `/v1/users/${ID}`, 'admin'],
  ['DELETE', `/v1/users/${ID}`, 'admin'],
  ['POST', '/v1/integrations', 'admin'],
  ['DELETE', `/v1/integrations/${ID}`, 'admin'],
  ['PUT', `/v1/integrations/${ID}/credentials`, 'admin'],
  ['PUT', `/v1/integrations/${ID}/schedule`, 'operate'],
  ['POST', `/v1/integrations/${ID}/pause`, 'operate'],
  ['POST', `/v1/integrations/${ID}/sync`, 'enqueue'],
  ['PATCH', `/v1/integrations/${ID}/streams/jobs`, 'operate'],
  ['POST', `/v1/integrations/${ID}/streams/jobs/reset`, 'operate'],
  ['POST', `/v1/integrations/${ID}/streams/jobs/backfill`, 'operate'],
  ['POST', `/v1/integrations/${ID}/test`, 'operate'],
  ['POST', `/v1/integrations/${ID}/resume`, 'operate'],
  ['POST', '/v1/oauth/exchanges', 'admin'],
  ['POST', `/v1/oauth/exchanges/${ID}/organization`, 'admin'],
  ['POST', `/v1/runs/${ID}/cancel`, 'operate'],
  ['POST', '/v1/jobs', 'enqueue'],
  ['POST', '/v1/jobs/bulk', 'enqueue'],
  ['POST', `/v1/jobs/${ID}/cancel`, 'operate'],
  ['POST', `/v1/jobs/${ID}/retry`, 'operate'],
  ['POST', '/v1/queues/metrics/pause', 'operate'],
];

describe('who asks', () => {
  test.for(WRITES)(
    '%s %s is closed without a token and to tokens that may only read',
    async ([method, path, scope]) => {
      const reader = callerOf(address, await issueToken(db, ['read']));
      expect(await callerOf(address, createToken().reveal())(method, path)).toMatchObject({
        status: 401,
        body: { code: 'api.unauthorized' },
      });
      const refused = await reader(method, path);
      expect(refused).toMatchObject({ status: 403, body: { code: 'api.forbidden' } });
      expect(refused.body['detail']).toContain(scope);
    },
  );

  test('reading needs its scope as well', async () => {
    const producer = callerOf(address, await issueToken(db, ['enqueue']));
    for (const path of [
      '/v1/users',
      '/v1/integrations',
      '/v1/runs',
      '/v1/jobs',
      '/v1/queues',
      '/docs/json',
      '/metrics',
    ])
      expect((await producer('GET', path)).status, path).toBe(403);
  });

  test('a refused action is written down with who wanted it', async () => {
    const reader = callerOf(address, await issueToken(db, ['read']));
    await reader('POST', `/v1/jobs/${ID}/cancel`);
    const rows = await engine.asSuperuser(
      `select outcome, token_name from audit_logs where action = 'cancelJob' and target = $1`,
      [ID],
    );
    expect(rows).toContainEqual({ outcome: 'refused', token_name: 'test' });
  });

  test('what a browser sends by itself changes nothing for a foreign page', async () => {
    const body = JSON.stringify({ email: 'x@example.com', name: 'X' });
    const send = (headers: Record<string, string>) =>
      fetch(`${address}/v1/users`, {
        method: 'POST',
        headers: { ...basic(call.token), 'content-type': 'application/json', ...headers },
        body,
      });
    const foreign: Record<string, string>[] = [
      {},
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ];
    for (const headers of foreign) expect((await send(headers)).status, JSON.stringify(headers)).toBe(403);
    expect((await send({ origin: address })).status).toBe(201);
  });

  test('an address that guesses tokens is held up, a token that is known goes on', async () => {
    const fresh = await openApi(db, queue);
    expect((await fresh('GET', '/v1/users')).status).toBe(200);
    const statuses = new Set<number>();
    for (let guess = 0; guess < 70; guess++)
      statuses.add((await callerOf(fresh.address, createToken().reveal())('GET', '/v1/users')).status);
    expect(statuses).toEqual(new Set([401, 429]));
    expect((await fresh('GET', '/v1/users')).status).toBe(200);
    const late = callerOf(fresh.address, await issueToken(db, ['read']));
    const held = await late('GET', '/v1/users');
    expect(held).toMatchObject({ status: 429, body: { code: 'api.locked_out' } });
    expect(Number(held.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('a token has so many requests a minute, each token its own', async () => {
    const limited = await openApi(db, queue, { ratePerMinute: 5 });
    const statuses = [];
    for (let i = 0; i < 7; i++) statuses.push((await limited('GET', '/v1/users')).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429]);
    expect((await callerOf(limited.address, await issueToken(db, ['read']))('GET', '/v1/users')).status).toBe(200);
  });
});

describe('what is sent', () => {
  test.for([
    ['{}', 400, 'input.invalid'],
    ['[]', 400, 'input.invalid'],
    ['null', 400, 'input.invalid'],
    ['"text"', 400, 'input.invalid'],
    ['{"kind": "credential.refresh"', 400, 'input.invalid'],
    ['{"kind": "credential.refresh", "payload": {}, "unheard": 1}', 400, 'input.invalid'],
    ['{"kind": "credential.refresh", "payload": []}', 400, 'input.invalid'],
    ['{"kind": "no.such", "payload": {}}', 422, 'queue.unknown_kind'],
    ['{"kind": "__proto__", "payload": {}}', 422, 'queue.unknown_kind'],
    ['{"kind": "credential.refresh", "payload": {"integrationId": "no"}}', 422, 'queue.payload_invalid'],
    ['{"kind": "credential.refresh", "payload": {}, "__proto__": {"x": 1}}', 400, 'input.invalid'],
    ['{"kind": "credential.refresh", "payload": {"constructor": {"prototype": {"x": 1}}}}', 400, 'input.invalid'],
    [
      `{"kind": "credential.refresh", "payload": {"integrationId": "${ID}"}, "queue": "sync-upwork"}`,
      400,
      'usage.invalid',
    ],
    [`{"kind": "credential.refresh", "payload": {"integrationId": "${ID}"}, "priority": 1e300}`, 400, 'input.invalid'],
    [
      `{"kind": "credential.refresh", "payload": {"integrationId": "${ID}"}, "runAt": "yesterday"}`,
      400,
      'input.invalid',
    ],
    [`{"kind": "credential.refresh", "payload": {"integrationId": "${ID}"}, "userId": "me"}`, 400, 'input.invalid'],
  ] as const)('a job of %s is answered with %i %s', async ([body, status, code]) => {
    expect(await call('POST', '/v1/jobs', body)).toMatchObject({ status, body: { code } });
  });

  test('a body of 10 MB is refused unread, at the bulk door too', async () => {
    const body = JSON.stringify({ jobs: ['x'.repeat(10 * 1024 * 1024)] });
    for (const path of ['/v1/jobs', '/v1/jobs/bulk', '/v1/users'])
      expect(await call('POST', path, body), path).toMatchObject({ status: 413, body: { code: 'api.body_too_large' } });
  });

  test.for(['[', '{"a":'])('a megabyte of %s is refused for its depth', async (opening) => {
    const body = opening.repeat(Math.floor((1024 * 1024 - 10) / opening.length));
    expect(await call('POST', '/v1/jobs', body)).toMatchObject({ status: 400, body: { code: 'api.body_too_deep' } });
  });

  test('brackets inside of text are text', async () => {
    const name = '[{'.repeat(60);
    const created = await call('POST', '/v1/users', { email: 'deep@example.com', name });
    expect(created).toMatchObject({ status: 201, body: { name } });
  });

  test.for(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml'])(
    'a body of type %s is refused',
    async (type) => {
      const answer = await call('POST', '/v1/jobs', 'kind=x', { 'content-type': type });
      expect(answer).toMatchObject({ status: 415, body: { code: 'api.media_type' } });
    },
  );

  test.for(UNSTORABLE)('text that no database takes (%j) is refused wherever it stands', async (text) => {
    const escaped = JSON.stringify({ email: 'n@example.com', name: text });
    expect(await call('POST', '/v1/users', escaped)).toMatchObject({ status: 400, body: { code: 'input.invalid' } });
    const key = `{"kind": "credential.refresh", "payload": {${JSON.stringify(text)}: 1}}`;
    expect((await call('POST', '/v1/jobs', key)).status).toBe(400);
  });

  test.for([
    '/v1/jobs?kind=a%00b',
    '/v1/jobs?queue=%00',
    '/v1/integrations?platform=%00',
    `/v1/runs?stream=%00`,
    '/v1/queues/%00/pause',
  ])('a NUL in an address (%s) is refused', async (path) => {
    const answer = await call(path.endsWith('pause') ? 'POST' : 'GET', path);
    expect(answer.status).toBe(400);
  });

  test.for(['x', '%00', 'bm8', Buffer.from('["a","b"]').toString('base64url'), 'x'.repeat(600), `';--`])(
    'a broken cursor (%s) is refused',
    async (cursor) => {
      for (const path of ['/v1/jobs', '/v1/runs', '/v1/users', '/v1/integrations']) {
        const answer = await call('GET', `${path}?cursor=${cursor}`);
        expect(answer.status, path).toBe(400);
      }
    },
  );

  test.for(['limit=0', 'limit=201', 'limit=x', 'limit=1e9', 'unheard=1', 'state=%27', 'userId=me'])(
    'a query of %s is refused, with the place of the problem',
    async (query) => {
      const answer = await call('GET', `/v1/jobs?${query}`);
      expect(answer).toMatchObject({ status: 400, body: { code: 'input.invalid' } });
      expect(answer.body['detail']).toMatch(/^query/);
    },
  );

  test.for(['', ' ', 'x'.repeat(256), 'ümlaut'])('an Idempotency-Key of %j is refused or no key', async (key) => {
    const body = { kind: 'no.such', payload: {} };
    const sent = await fetch(`${address}/v1/jobs`, {
      method: 'POST',
      headers: {
        ...bearer(call.token),
        'content-type': 'application/json',
        'idempotency-key': Buffer.from(key).toString('latin1'),
      },
      body: JSON.stringify(body),
    });
    expect([400, 422]).toContain(sent.status);
  });

  test('SQL and HTML in every string are kept as text or refused, and nothing else happens', async () => {
    for (const text of HOSTILE) {
      const named = await call('PATCH', `/v1/users/${user.id}`, { name: text });
      if (text.length > 255) expect(named.status).toBe(400);
      else expect(named.body).toMatchObject({ name: text.trim() });
      const statuses = [
        await call('POST', '/v1/users', { email: text, name: text, timezone: text, reportingCurrency: text }),
        await call('POST', '/v1/integrations', { userId: text, platform: text, credentials: { x: text } }),
        await call('POST', '/v1/integrations', { userId: user.id, platform: text, credentials: { x: text } }),
        await call('POST', `/v1/integrations/${encodeURIComponent(text)}/sync`, { stream: text }),
        await call('POST', '/v1/jobs', { kind: text, payload: { [text]: text } }),
        await call('GET', `/v1/jobs?kind=${encodeURIComponent(text)}`),
        await call('GET', `/v1/runs?stream=${encodeURIComponent(text)}`),
        await call('POST', `/v1/queues/${encodeURIComponent(text)}/pause`),
        await call('GET', `/v1/${encodeURIComponent(text)}`),
      ].map(({ status }) => status);
      expect(
        statuses.filter((status) => status >= 500),
        text,
      ).toEqual([]);
      const keyed = await call('POST', '/v1/jobs', {
        kind: 'credential.refresh',
        payload: { integrationId: ID },
        uniqueKey: text.slice(0, 500),
      });
      expect(keyed.status).toBe(201);
    }
    expect((await call('GET', '/v1/users')).status).toBe(200);
  });

  test('a request that no HTTP parser takes ends its connection and no other', async () => {
    const { hostname, port } = new URL(address);
    const socket = connect(Number(port), hostname);
    socket.end('GET / HTTP/9.9\r\n\0\r\n\r\n');
    socket.resume();
    await once(socket, 'close');
    expect((await call('GET', '/v1/users')).status).toBe(200);
  });
});
