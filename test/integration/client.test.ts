import { getEventListeners } from 'node:events';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  createClient,
  TidemarkError,
  type Client,
  type ClientOptions,
  type Run,
} from '../../packages/client/src/index.ts';
import { events, json, scriptedServer, type Reply, type ScriptedServer } from '../support/scripted-server.ts';
import { waitFor } from '../support/wait.ts';

const TOKEN = 'tm_the-token-that-nobody-may-see';
const PROBLEM = { type: 'about:blank', title: 'x', status: 0, code: 'api.rate_limited', detail: 'expected less' };
const JOB = { kind: 'credential.refresh', payload: { integrationId: 'i' } };
const ENQUEUED = json(201, { jobId: 'j', created: true });

type Made = ScriptedServer & { readonly client: Client };

async function clientOf(replies: readonly Reply[], options: Partial<ClientOptions> = {}): Promise<Made> {
  const server = await scriptedServer(...replies);
  return { ...server, client: createClient({ baseUrl: server.url, token: TOKEN, ...options }) };
}

/** What a promise was rejected with. */
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    (value) => expect.unreachable(`expected a failure, got ${inspect(value)}`),
    (error: unknown) => error,
  );
}

const keysOf = ({ asked }: Made): unknown[] => asked.map(({ headers }) => headers['idempotency-key']);

describe('a call is sent again', () => {
  const cut: Reply = (response) => {
    response.writeHead(201, { 'content-length': '1000' });
    response.write('{"jobId":', () => response.destroy());
  };

  test.for<[string, Reply]>([
    ['the server is too busy', json(429, PROBLEM, { 'retry-after': '0' })],
    [
      'the server wants to be left alone until an instant',
      json(503, PROBLEM, { 'retry-after': new Date(0).toUTCString() }),
    ],
    ['a proxy finds no server', json(502, 'no JSON of ours')],
    ['the connection breaks before the answer', (response) => void response.destroy()],
    ['the connection breaks in the middle of the answer', cut],
  ])('with the same key when %s', async ([, reply]) => {
    const made = await clientOf([reply, reply, ENQUEUED]);
    expect(await made.client.enqueueJob(JOB)).toEqual({ jobId: 'j', created: true });
    expect(new Set(keysOf(made)).size).toBe(1);
    expect(keysOf(made)).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^[\da-f-]{36}$/) as unknown));
    expect(new Set(made.asked.map(({ body }) => body))).toEqual(new Set([JSON.stringify(JOB)]));
  });

  test('no more often than it was told', async () => {
    const { client, asked } = await clientOf([json(503, PROBLEM)], { retries: 2 });
    expect(await failureOf(client.listQueues())).toMatchObject({ status: 503, code: 'api.rate_limited' });
    expect(asked.length).toBe(3);
  });

  test('after a try that took too long', async () => {
    const { client, asked } = await clientOf([() => undefined], { timeoutMs: 30, retries: 1 });
    expect(await failureOf(client.listQueues())).toMatchObject({
      status: 0,
      code: 'no_answer',
      detail: 'no answer within 30 ms',
    });
    expect(asked.length).toBe(2);
  });

  test('under two keys for two calls, and under the caller’s own', async () => {
    const made = await clientOf([ENQUEUED]);
    await made.client.enqueueJob(JOB);
    await made.client.enqueueJob(JOB);
    await made.client.enqueueJob(JOB, { idempotencyKey: 'mine' });
    const [first, second, third] = keysOf(made);
    expect(first).not.toBe(second);
    expect(third).toBe('mine');
  });
});

describe('a call is not sent again', () => {
  test.for<[string, Reply]>([
    ['the server failed by a fault of its own', json(500, PROBLEM)],
    ['the server refused it', json(422, PROBLEM)],
    ['the server asks for an hour of patience', json(429, PROBLEM, { 'retry-after': '3600' })],
    ['the answer is no JSON', (response) => void response.end('<h1>It works!</h1>')],
  ])('when %s', async ([, reply]) => {
    const { client, asked } = await clientOf([reply]);
    expect(await failureOf(client.enqueueJob(JOB))).toBeInstanceOf(TidemarkError);
    expect(asked.length).toBe(1);
  });

  test('when a repetition could do something else, unless the server did not even begin', async () => {
    const away = await clientOf([json(503, PROBLEM)]);
    await failureOf(away.client.updateUser({ userId: 'u', name: 'Ada' }));
    expect(away.asked.map(({ method }) => method)).toEqual(['PATCH']);
    const busy = await clientOf([json(429, PROBLEM), json(200, { id: 'u' })]);
    expect(await busy.client.updateUser({ userId: 'u', name: 'Ada' })).toEqual({ id: 'u' });
    expect(busy.asked.map(({ method }) => method)).toEqual(['PATCH', 'PATCH']);
  });

  test('when it could not be sent at all: a path parameter is missing, or a step in the path', async () => {
    const { client, asked } = await clientOf([ENQUEUED]);
    for (const userId of ['', '.', '..', undefined as unknown as string])
      expect(await failureOf(client.getUser({ userId })), inspect(userId)).toBeInstanceOf(TypeError);
    expect(await failureOf(client.enqueueJob(JOB, { idempotencyKey: 'two words' }))).toBeInstanceOf(TypeError);
    expect(asked).toEqual([]);
  });
});

describe('an error', () => {
  test('carries what the problem document says', async () => {
    const { client } = await clientOf([json(429, PROBLEM, { 'retry-after': '7' })], { retries: 0 });
    expect(await failureOf(client.listQueues())).toMatchObject({
      name: 'TidemarkError',
      message: 'api.rate_limited: expected less',
      status: 429,
      code: 'api.rate_limited',
      detail: 'expected less',
      retryAfterMs: 7_000,
    });
  });

  test('stands for a redirect, which is not followed: the token stays here', async () => {
    const elsewhere = await scriptedServer(ENQUEUED);
    const { client } = await clientOf([json(307, {}, { location: `${elsewhere.url}/v1/queues` })]);
    expect(await failureOf(client.listQueues())).toMatchObject({ status: 307, code: 'http.307' });
    expect(elsewhere.asked).toEqual([]);
  });

  test('shows no token, nor does the client, however they are printed', async () => {
    const { client } = await clientOf([(response) => void response.destroy()], { retries: 0 });
    const thrown = await failureOf(client.listQueues());
    expect(inspect([client, thrown], { depth: 20, showHidden: true })).not.toContain(TOKEN);
    expect(JSON.stringify([client, thrown]) + String(thrown)).not.toContain(TOKEN);
  });

  test('names what is wrong with an address or a token, and repeats neither', () => {
    const wrong: readonly Partial<ClientOptions>[] = [
      { token: `${TOKEN}\n` },
      { token: '' },
      { baseUrl: `https://me:${TOKEN}@tidemark.internal` },
      { baseUrl: `https://tidemark.internal/?token=${TOKEN}` },
      { baseUrl: `ftp://${TOKEN}` },
      { baseUrl: TOKEN },
    ];
    for (const options of wrong) {
      let thrown: unknown;
      try {
        createClient({ baseUrl: 'https://tidemark.internal', token: TOKEN, ...options });
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(TypeError);
      expect(inspect(thrown)).not.toContain(TOKEN);
    }
  });
});

test('a signal ends a call while it waits for its next try, and is let go of afterwards', async () => {
  const { client, asked } = await clientOf([json(429, PROBLEM, { 'retry-after': '30' })]);
  const stopping = new AbortController();
  const failure = failureOf(client.listQueues({}, { signal: stopping.signal }));
  await waitFor(() => asked.length === 1, { what: 'the first try' });
  stopping.abort(new Error('enough'));
  expect(await failure).toMatchObject({ message: 'enough' });
  expect(getEventListeners(stopping.signal, 'abort')).toEqual([]);
  const { client: other } = await clientOf([json(200, { items: [] })]);
  const idle = new AbortController();
  await other.listQueues({}, { signal: idle.signal });
  expect(getEventListeners(idle.signal, 'abort')).toEqual([]);
});

test('pages follow the cursor to the last one, with the same filter', async () => {
  const page = (ids: readonly string[], nextCursor: string | null): Reply =>
    json(200, { items: ids.map((id) => ({ id })), nextCursor });
  const { client, asked } = await clientOf([page(['a', 'b'], 'c+/='), page([], 'd'), page(['e'], null)]);
  const seen: string[] = [];
  for await (const { id } of client.pages('listJobs', { state: 'dead', limit: 2 })) seen.push(id);
  expect(seen).toEqual(['a', 'b', 'e']);
  expect(asked.map(({ url }) => url)).toEqual([
    '/v1/jobs?limit=2&state=dead',
    '/v1/jobs?limit=2&cursor=c%2B%2F%3D&state=dead',
    '/v1/jobs?limit=2&cursor=d&state=dead',
  ]);
});

test('a file of comma-separated values comes as its text, also when it looks like JSON, and errors are told as ever', async () => {
  const csv =
    (text: string): Reply =>
    (response) => {
      response.writeHead(200, { 'content-type': 'text/csv; charset=utf-8' });
      response.end(text);
    };
  const { client, asked } = await clientOf([
    csv('of,sum\r\n,1\r\n'),
    csv('7'),
    json(400, { ...PROBLEM, code: 'input.invalid' }),
  ]);
  expect(await client.platformMetricsCsv({ by: 'hour', split: 'user' })).toBe('of,sum\r\n,1\r\n');
  expect(await client.userMetricsCsv({ userId: 'u' })).toBe('7');
  expect(asked.map(({ url }) => url)).toEqual([
    '/v1/platform-metrics.csv?by=hour&split=user',
    '/v1/users/u/metrics.csv',
  ]);
  expect(await failureOf(client.platformMetricsCsv())).toMatchObject({ code: 'input.invalid' });
});

test('the API may live below a path', async () => {
  const { url, asked } = await scriptedServer(json(200, { items: [] }));
  await createClient({ baseUrl: `${url}/tidemark/`, token: TOKEN }).listQueues();
  expect(asked.map((one) => one.url)).toEqual(['/tidemark/v1/queues']);
});

describe('events', () => {
  const frame = (id: string, event: string, data: unknown): string =>
    `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

  async function statusesOf(runs: AsyncIterable<Run>): Promise<string[]> {
    const statuses: string[] = [];
    for await (const { status } of runs) statuses.push(status);
    return statuses;
  }

  test('go on after a connection that broke, from where they were, to their end', async () => {
    const { client, asked } = await clientOf([
      events(
        [': hello\n\n', frame('1', 'run', { status: 'queued' }), frame('2', 'run', { status: 'running' })],
        'break',
      ),
      json(503, PROBLEM),
      events([frame('3', 'end', { status: 'success' }), frame('4', 'run', { status: 'never' })], 'stay'),
    ]);
    expect(await statusesOf(client.runEvents({ runId: 'r' }))).toEqual(['queued', 'running', 'success']);
    expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '2', '2']);
    await asked[2]!.gone;
  });

  test('come whole however they are cut, with either line ending and lines in any number', async () => {
    const text = frame('1', 'run', { status: 'é' }) + 'event: end\r\ndata: {"status":\r\ndata:"success"}\r\n\r\n';
    const bytes = Buffer.from(text);
    const oneByOne: Reply = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const next = (at: number): void => {
        if (at < bytes.length) response.write(bytes.subarray(at, at + 1), () => setImmediate(next, at + 1));
      };
      next(0);
    };
    const { client } = await clientOf([oneByOne]);
    expect(await statusesOf(client.runEvents({ runId: 'r' }))).toEqual(['é', 'success']);
  });

  test('that are never there end with an error, after the tries that it was told', async () => {
    const { client, asked } = await clientOf([events([': nothing\n\n'], 'end')], { retries: 1 });
    expect(await failureOf(statusesOf(client.runEvents({ runId: 'r' })))).toMatchObject({
      status: 0,
      code: 'no_answer',
    });
    expect(asked.length).toBe(2);
  });

  test('that the server gives up end with its code', async () => {
    const { client } = await clientOf([events(['event: error\ndata: {"code":"not_found"}\n\n'], 'stay')]);
    expect(await failureOf(statusesOf(client.runEvents({ runId: 'r' })))).toMatchObject({ code: 'not_found' });
  });

  test('let go of the connection when nobody listens any more', async () => {
    const { client, asked } = await clientOf([events([frame('1', 'run', { status: 'queued' })], 'stay')]);
    for await (const { status } of client.runEvents({ runId: 'r' })) {
      expect(status).toBe('queued');
      break;
    }
    await asked[0]!.gone;
    const stopping = new AbortController();
    const listening = failureOf(statusesOf(client.runEvents({ runId: 'r' }, { signal: stopping.signal })));
    await waitFor(() => asked.length === 2, { what: 'the second connection' });
    stopping.abort(new Error('enough'));
    expect(await listening).toMatchObject({ message: 'enough' });
    await asked[1]!.gone;
    expect(getEventListeners(stopping.signal, 'abort')).toEqual([]);
  });
});
