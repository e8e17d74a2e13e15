// Bodies that are read while they come: heads are judged and repeated as usual, and no connection is left behind.

import { expect, test } from 'vitest';
import type { HttpStream, StreamRequest } from '../../src/http/http-client.ts';
import { createMemoryGovernor } from '../../src/limits/memory-governor.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { BucketRule } from '../../src/limits/governor.ts';
import { testClient, type TestClient } from '../support/http.ts';
import { scriptedServer, type Reply } from '../support/scripted-server.ts';

const RULE: BucketRule = { id: 'test.stream', requests: 10, perMs: 1_000, burst: 10, source: 'test' };
const MIB = 1024 * 1024;

function ask(client: TestClient, over: Partial<StreamRequest> = {}, signal = new AbortController().signal) {
  const charges = [{ rule: RULE, key: 'a' }];
  return client.stream({ method: 'GET', url: 'https://api.example.com/all', charges, ...over }, signal);
}

const bytesOf = async ({ chunks }: HttpStream): Promise<number> => {
  let bytes = 0;
  for await (const chunk of chunks) bytes += chunk.length;
  return bytes;
};

/** `count` pieces of a mebibyte, each sent when the one before was taken. */
const pieces =
  (count: number): Reply =>
  (response) => {
    response.writeHead(200);
    const send = (left: number): void => {
      if (left === 0) response.end();
      else response.write(Buffer.alloc(MIB, 0x61), () => send(left - 1));
    };
    send(count);
  };

test('a body larger than any that is held comes whole', async () => {
  const server = await scriptedServer(pieces(80));
  const client = testClient({ baseUrl: server.url });
  const answer = await ask(client, { maxBytes: 100 * MIB });
  expect(answer.status).toBe(200);
  expect(await bytesOf(answer)).toBe(80 * MIB);
  expect(client.calls).toMatchObject([{ ok: true, status: 200 }]);
});

test('who leaves early closes the connection', async () => {
  const server = await scriptedServer(pieces(1_000));
  const { chunks } = await ask(testClient({ baseUrl: server.url }), { maxBytes: 1024 * MIB });
  for await (const _ of chunks) break;
  await server.asked[0]!.gone;
});

test('a head that fails is repeated, and what it brought is dropped', async () => {
  const away: Reply = (response) => response.writeHead(503).write('x'.repeat(1_000));
  const server = await scriptedServer(away, away, pieces(1));
  const answer = await ask(testClient({ baseUrl: server.url }));
  expect(await bytesOf(answer)).toBe(MIB);
  await Promise.all(server.asked.slice(0, 2).map(({ gone }) => gone));
});

test('429 parks the bucket, and its connection is closed', async () => {
  const governor = createMemoryGovernor({ clock: systemClock });
  const slow: Reply = (response) => response.writeHead(429, { 'x-ratelimit-retry': '30' }).write('slow down');
  const server = await scriptedServer(slow);
  const client = testClient({ baseUrl: server.url, deps: { governor } });
  await expect(ask(client)).rejects.toMatchObject({ code: 'platform.rate_limited', retryAfterMs: 30_000 });
  await server.asked[0]!.gone;
  await expect(ask(client)).rejects.toMatchObject({ code: 'platform.rate_limited' });
  expect(server.asked).toHaveLength(1);
});

test('a body that breaks off, is too long or takes too long says so', async () => {
  const broken: Reply = (response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('x', () => response.destroy());
  };
  const endless: Reply = (response) => response.writeHead(200).write('x');
  const server = await scriptedServer(broken, pieces(3), endless);
  const client = testClient({ baseUrl: server.url });
  await expect(bytesOf(await ask(client))).rejects.toMatchObject({ code: 'http.unavailable' });
  await expect(bytesOf(await ask(client, { maxBytes: MIB }))).rejects.toMatchObject({ code: 'http.body_too_large' });
  await expect(bytesOf(await ask(client, { timeoutMs: 100 }))).rejects.toMatchObject({ code: 'http.timeout' });
  await Promise.all(server.asked.map(({ gone }) => gone));
});

test('an abort ends the reading with its reason', async () => {
  const server = await scriptedServer((response) => response.writeHead(200).write('x'));
  const stopping = new AbortController();
  const answer = await ask(testClient({ baseUrl: server.url }), {}, stopping.signal);
  const reading = bytesOf(answer);
  stopping.abort(new Error('stopping'));
  await expect(reading).rejects.toThrow('stopping');
  await server.asked[0]!.gone;
});

test('an error with a body is an answer for the connector', async () => {
  const server = await scriptedServer((response) => response.writeHead(400).end('{"errors":"no"}'));
  const answer = await ask(testClient({ baseUrl: server.url }));
  expect(answer.status).toBe(400);
  expect(await bytesOf(answer)).toBe(15);
});
