// The http client against real servers on loopback: answers, failures, repeats, limits, quota.

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import type { BucketRule, Governor } from '../../src/limits/governor.ts';
import { createMemoryGovernor } from '../../src/limits/memory-governor.ts';
import { testClient } from '../support/http.ts';
import { serve } from '../support/loopback.ts';

const TOKEN = 'tok-5f1d-very-secret';
const rule: BucketRule = { id: 'test.rule', requests: 1, perMs: 60_000, burst: 2, source: 'test' };

async function failureOf(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

test('a request arrives with its headers, secrets and form, and its answer comes back whole', async () => {
  const server = await serve((response) => response.setHeader('X-Kind', 'a').end('{"text":"zwölf 🌊"}'));
  const client = testClient({ baseUrl: `${server.origin}/base/` });
  const response = await client.send({
    method: 'POST',
    url: 'https://api.example.com/oauth/token?v=2',
    headers: { authorization: new Secret(`Bearer ${TOKEN}`) },
    body: { type: 'form', value: { grant_type: 'refresh_token', refresh_token: new Secret('a b&c') } },
  });
  expect(response).toMatchObject({ status: 200, text: '{"text":"zwölf 🌊"}', headers: { 'x-kind': 'a' } });
  expect(server.asked[0]).toMatchObject({
    method: 'POST',
    url: '/base/oauth/token?v=2',
    body: 'grant_type=refresh_token&refresh_token=a+b%26c',
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': 'tidemark-test',
    },
  });
  expect(client.calls).toMatchObject([{ ok: true, status: 200 }]);
});

test('a JSON body is sent as it is, and 4XX is an answer for the connector', async () => {
  const server = await serve((response) => response.writeHead(403).end('{"no":1}'));
  const client = testClient({ baseUrl: server.origin });
  const body = { type: 'json', value: { query: '{ a }', n: null } } as const;
  expect(await client.send({ method: 'POST', body })).toMatchObject({ status: 403, text: '{"no":1}' });
  expect(server.asked).toMatchObject([
    { body: '{"query":"{ a }","n":null}', headers: { 'content-type': 'application/json' } },
  ]);
  expect(client.calls).toMatchObject([{ ok: false, status: 403 }]);
});

test.each([
  ['gzip', gzipSync],
  ['br', brotliCompressSync],
] as const)('a %s body is decompressed', async (encoding, compress) => {
  const server = await serve((response) => response.setHeader('content-encoding', encoding).end(compress('{"a":1}')));
  expect((await testClient({ baseUrl: server.origin }).send({})).text).toBe('{"a":1}');
});

test('a body larger than allowed after decompression is refused without holding it', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  const server = await serve((response) => response.setHeader('content-encoding', 'gzip').end(bomb));
  const client = testClient({ baseUrl: server.origin });
  const error = await failureOf(client.send({ maxBytes: 1024 * 1024 }));
  expect(error).toMatchObject({ code: 'http.body_too_large', kind: 'fatal' });
  expect(server.asked).toHaveLength(1);
});

test('a body that is not what its header says is a transient failure', async () => {
  const server = await serve((response) => response.setHeader('content-encoding', 'gzip').end('not gzip'));
  const error = await failureOf(testClient({ baseUrl: server.origin }).send({ attempts: 1 }));
  expect(error).toMatchObject({ code: 'http.body_invalid', kind: 'transient' });
});

test('5XX is asked again, and each attempt is charged and told', async () => {
  const server = await serve((response, _, n) => response.writeHead(n < 3 ? 502 : 200).end('{}'));
  const client = testClient({ baseUrl: server.origin });
  expect((await client.send({})).status).toBe(200);
  expect(client.calls.map(({ status }) => status)).toEqual([502, 502, 200]);
  expect(client.events.map(({ event }) => event)).toEqual(['http.retried', 'http.retried']);
  const short = testClient({ baseUrl: server.origin });
  expect((await short.send({ charges: [{ rule, key: 'a' }] })).status).toBe(200);
});

test('a new quota charge is taken for each attempt', async () => {
  const server = await serve((response) => response.writeHead(500).end());
  const client = testClient({ baseUrl: server.origin });
  const error = await failureOf(client.send({ charges: [{ rule, key: 'a' }] }));
  expect(error).toMatchObject({ code: 'platform.rate_limited' });
  expect(server.asked).toHaveLength(2);
});

test('5XX after the last attempt says so', async () => {
  const server = await serve((response) => response.writeHead(503).end());
  const error = await failureOf(testClient({ baseUrl: server.origin }).send({}));
  expect(error).toMatchObject({ code: 'platform.unavailable', kind: 'transient', details: { status: 503 } });
  expect(server.asked).toHaveLength(3);
});

test('a 503 that asks for a long pause is not asked again in place', async () => {
  const server = await serve((response) => response.writeHead(503, { 'retry-after': '120' }).end());
  const error = await failureOf(testClient({ baseUrl: server.origin }).send({}));
  expect(error).toMatchObject({ code: 'platform.unavailable', retryAfterMs: 120_000 });
  expect(server.asked).toHaveLength(1);
});

test('a request that must not be repeated is sent once', async () => {
  const server = await serve((response) => response.socket?.destroy());
  const error = await failureOf(testClient({ baseUrl: server.origin }).send({ method: 'POST', attempts: 1 }));
  expect(error).toMatchObject({ code: 'http.unavailable', details: { systemCode: 'ECONNRESET' } });
  expect(server.asked).toHaveLength(1);
});

test('a reset after processing and a truncated body are asked again', async () => {
  const server = await serve((response, _, n) => {
    if (n === 1) return void response.socket?.destroy();
    if (n === 3) return void response.end('{"whole":true}');
    response.writeHead(200, { 'content-length': '1000' }).write('{"whole":');
    setImmediate(() => response.socket?.destroy());
  });
  const client = testClient({ baseUrl: server.origin });
  expect((await client.send({})).text).toBe('{"whole":true}');
  expect(client.calls.map(({ ok, status }) => [ok, status])).toEqual([
    [false, 0],
    [false, 0],
    [true, 200],
  ]);
});

test('a server that says nothing, or stops in the middle of its body, is a timeout', async () => {
  const server = await serve((response, _, n) => (n === 1 ? undefined : response.writeHead(200).write('{')));
  const client = testClient({ baseUrl: server.origin });
  expect(await failureOf(client.send({ timeoutMs: 60, attempts: 2 }))).toMatchObject({ code: 'http.timeout' });
  expect(server.asked).toHaveLength(2);
});

test('nobody listening is http.unavailable', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as AddressInfo;
  await new Promise((resolve) => taken.close(resolve));
  const error = await failureOf(testClient({ baseUrl: `http://127.0.0.1:${port}` }).send({ attempts: 2 }));
  expect(error).toMatchObject({ code: 'http.unavailable', details: { systemCode: 'ECONNREFUSED' } });
});

test('a 429 is thrown with its wait, parks the bucket for everybody, and is not repeated in place', async () => {
  const server = await serve((response) => response.writeHead(429, { 'retry-after': '17' }).end());
  const client = testClient({ baseUrl: server.origin });
  const error = await failureOf(client.send({}));
  expect(error).toMatchObject({ code: 'platform.rate_limited', kind: 'rate_limited', retryAfterMs: 17_000 });
  const next = await failureOf(client.send({}));
  expect(next).toMatchObject({ code: 'platform.rate_limited', details: { reason: 'parked' } });
  expect(server.asked).toHaveLength(1);
  expect(client.calls).toMatchObject([{ ok: false, status: 429 }]);
});

test('a platform may say "slow down" in its own words', async () => {
  const server = await serve((response) => response.writeHead(403).end('<html>blocked</html>'));
  const client = testClient({ baseUrl: server.origin });
  const slowDownMs = ({ text }: { readonly text: string }): number | undefined =>
    text.startsWith('<html') ? 300_000 : undefined;
  expect(await failureOf(client.send({ slowDownMs }))).toMatchObject({
    code: 'platform.rate_limited',
    retryAfterMs: 300_000,
  });
  expect(await failureOf(client.send({}))).toMatchObject({ details: { reason: 'parked' } });
});

test('a 4XX costs what the rule says it costs', async () => {
  const server = await serve((response) => response.writeHead(404).end());
  const client = testClient({ baseUrl: server.origin });
  const strict: BucketRule = { ...rule, burst: 20, clientErrorCost: 10 };
  const charges = [{ rule: strict, key: 'a' }];
  await client.send({ charges });
  await client.send({ charges });
  expect(await failureOf(client.send({ charges }))).toMatchObject({ code: 'platform.rate_limited' });
});

test('a short wait for quota is slept, a long one frees the slot with its wait', async () => {
  const server = await serve((response) => response.end('{}'));
  const client = testClient({ baseUrl: server.origin });
  const quick = [{ rule: { ...rule, id: 'quick', requests: 10, perMs: 1_000, burst: 1 }, key: 'a' }];
  await Promise.all([client.send({ charges: quick }), client.send({ charges: quick })]);
  expect(server.asked).toHaveLength(2);
  const slow = [{ rule: { ...rule, id: 'slow', burst: 1 }, key: 'a' }];
  await client.send({ charges: slow });
  const error = await failureOf(client.send({ charges: slow }));
  expect(error).toMatchObject({ code: 'platform.rate_limited', details: { reason: 'rate', rules: ['slow'] } });
  expect(error.retryAfterMs).toBeGreaterThan(50_000);
  expect(server.asked).toHaveLength(3);
});

test('an abort rejects with its reason, at every point, and is not told as a failed call', async () => {
  const reason = new Error('lease lost');
  const waiting = Promise.withResolvers<void>();
  const server = await serve(() => waiting.resolve());
  const client = testClient({ baseUrl: server.origin });
  await expect(client.send({}, AbortSignal.abort(reason))).rejects.toBe(reason);

  const onTheWire = new AbortController();
  const sent = client.send({}, onTheWire.signal);
  await waiting.promise;
  onTheWire.abort(reason);
  await expect(sent).rejects.toBe(reason);

  const charges = [{ rule: { ...rule, id: 'wait', requests: 40, burst: 1 }, key: 'a' }];
  const inQuota = new AbortController();
  const governor = createMemoryGovernor({ clock: systemClock });
  await governor.take(charges, 'incremental');
  const asked = Promise.withResolvers<void>();
  const watched: Governor = { ...governor, take: (...args) => (asked.resolve(), governor.take(...args)) };
  const other = testClient({ baseUrl: server.origin, deps: { governor: watched } });
  const queued = other.send({ charges }, inQuota.signal);
  await asked.promise;
  inQuota.abort(reason);
  await expect(queued).rejects.toBe(reason);
  expect([client.calls, other.calls]).toEqual([[], []]);
});

test('nothing of a failure shows a secret, however deep one looks', async () => {
  const server = await serve((response) => response.socket?.destroy());
  const client = testClient({ baseUrl: server.origin });
  const error = await failureOf(
    client.send({
      method: 'POST',
      url: `https://api.example.com/bot12345:${TOKEN}/getMe?code=${TOKEN}`,
      headers: { authorization: new Secret(`Bearer ${TOKEN}`), 'api-key': new Secret(TOKEN) },
      body: { type: 'form', value: { refresh_token: new Secret(TOKEN) } },
      attempts: 2,
    }),
  );
  const seen = inspect([error, client.events], { depth: 20, showHidden: true, getters: true });
  expect(server.asked[0]!.url).toContain(TOKEN);
  expect(seen).not.toContain(TOKEN);
  expect(seen).toContain('/bot***/getMe?code=***');
});

test('a lesson that cannot be stored does not cost the answer', async () => {
  const server = await serve((response) => response.end('{"kept":1}'));
  const governor: Governor = {
    ...createMemoryGovernor({ clock: systemClock }),
    learn: () => Promise.reject(new AppError('db.unavailable', 'gone')),
  };
  const client = testClient({ baseUrl: server.origin, deps: { governor } });
  expect((await client.send({})).text).toBe('{"kept":1}');
  expect(client.events.map(({ event }) => event)).toEqual(['limits.learn_failed']);
});

test('connections are kept and reused', async () => {
  const ports = new Set<number | undefined>();
  const server = await serve((response) => {
    ports.add(response.socket?.remotePort);
    response.end('{}');
  });
  const client = testClient({ baseUrl: server.origin });
  for (let n = 0; n < 5; n++) await client.send({});
  expect(ports.size).toBe(1);
});

test('a header that would break out of its line is refused, not repaired, and nothing is sent', async () => {
  const server = await serve((response) => response.end());
  const client = testClient({ baseUrl: server.origin });
  const authorization = new Secret(`Bearer ${TOKEN}\r\nx-injected: 1`);
  const error = await failureOf(client.send({ headers: { authorization }, charges: [{ rule, key: 'a' }] }));
  expect(error).toMatchObject({ code: 'internal', details: { systemCode: 'ERR_INVALID_CHAR' } });
  expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(TOKEN);
  expect([server.asked, client.calls]).toEqual([[], []]);
});
