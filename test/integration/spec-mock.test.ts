// The mock that contract tests ask: what it finds wrong in a request, and what it answers. Its document is made up here.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, afterAll, expect, test } from 'vitest';
import { startSpecMock, type SpecMock, type SpecMockOptions } from '../support/contract/spec-mock.ts';

const DOCUMENT = `
openapi: 3.0.1
info: {title: Shop, version: '1'}
security: [{key: []}]
paths:
  /goods/{id}:
    servers: [{url: https://goods-api.example.com}]
    get:
      parameters:
        - {in: path, name: id, required: true, schema: {type: integer}}
        - {in: query, name: limit, schema: {type: integer, maximum: 10}}
      responses:
        '200':
          description: a good
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Good'}
              examples:
                one: {value: {id: 1, name: cup, isNew: true, sizes: [{size: S}]}}
                two: {value: {id: 2, name: pot, isNew: true, sizes: []}}
        '403':
          description: no
          content: {application/json: {schema: {type: object, required: [message], properties: {message: {type: string}}}}}
  /goods/all:
    servers: [{url: https://goods-api.example.com}]
    get: {responses: {'204': {description: nothing}}}
  /orders:
    servers: [{url: https://orders-api.example.com}]
    post:
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [limit]
              properties:
                limit: {type: integer}
                day: {type: string, pattern: ' YYYY-MM-DD'}
                filter: {type: object, properties: {since: {type: string, format: date-time}}}
      responses:
        '200':
          description: orders
          content:
            application/json:
              schema:
                type: object
                required: [orders]
                properties:
                  orders: {type: array, minItems: 3, items: {$ref: '#/components/schemas/Order'}}
                  next: {type: integer, minimum: 1}
  /count:
    servers: [{url: https://orders-api.example.com}]
    post: {responses: {'204': {description: nothing}}}
  /broken:
    servers: [{url: https://goods-api.example.com}]
    post:
      requestBody:
        content: {application/json: {schema: {type: object, properties: {name: {type: string, pattern: '['}}}}}
      responses: {'204': {description: nothing}}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: Authorization}}
  schemas:
    Good:
      type: object
      required: [id]
      properties:
        id: {type: integer}
        name: {type: string}
        isNew: {type: boolean}
        sizes: {type: array, items: {type: object, properties: {size: {type: string}}}}
    Order:
      type: object
      required: [id]
      properties:
        id: {type: integer, minimum: 1}
        at: {type: string, example: '2026-08-18T09:00:00Z'}
        status: {type: string, nullable: true, example: sold}
        paidAt: {type: timestamp, example: '2026-08-18T10:00:00Z'}
        tags: {items: {type: integer}}
        a: {type: integer}
        b: {type: integer}
        c: {type: integer}
        d: {type: integer}
        vendor: {$ref: '../elsewhere/vendor.yaml'}
`;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'spec-mock-'));
  await writeFile(path.join(folder, 'shop.yaml'), DOCUMENT);
});

afterAll(async () => await rm(folder, { recursive: true }));

async function start(over: Partial<SpecMockOptions> = {}): Promise<SpecMock> {
  const prefixOf = (host: string): string => `/${host.split('.')[0]}`;
  return await startSpecMock({
    files: [path.join(folder, 'shop.yaml')],
    prefixOf,
    answers: 'generated',
    seed: 1,
    ...over,
  });
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function ask({ origin }: SpecMock, target: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${origin}${target}`, {
    headers: { authorization: 'key', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

interface Orders {
  readonly orders: readonly Readonly<Record<string, unknown>>[];
  readonly next?: number;
}

async function askOrders(mock: SpecMock): Promise<Orders> {
  const { body } = await ask(mock, '/orders-api/orders', { limit: 5 });
  return body as Orders;
}

test('a valid request is answered without complaint, under the host that the document names', async () => {
  const mock = await start();
  expect(await ask(mock, '/goods-api/goods/7?limit=5')).toMatchObject({
    status: 200,
    body: { id: expect.any(Number) },
  });
  expect(await ask(mock, '/goods-api/goods/all')).toEqual({ status: 204, body: undefined });
  expect(mock.exchanges).toEqual([
    { operation: 'GET /goods-api/goods/{id}', violations: [], status: 200 },
    { operation: 'GET /goods-api/goods/all', violations: [], status: 204 },
  ]);
});

test.for([
  ['a parameter out of its range', '/goods-api/goods/7?limit=11', undefined, /query.*limit.*<= 10/],
  ['a parameter that the document does not have', '/goods-api/goods/7?offset=1', undefined, /query\.offset/],
  ['a path parameter of another type', '/goods-api/goods/seven', undefined, /path.*id.*integer/],
  ['a missing member', '/orders-api/orders', {}, /limit/],
  ['a misspelt member deep in the body', '/orders-api/orders', { limit: 1, filter: { sinse: 'x' } }, /filter.*sinse/],
  ['a value of another format', '/orders-api/orders', { limit: 1, filter: { since: 'today' } }, /date-time/],
  ['an operation of another host', '/goods-api/orders', { limit: 1 }, /no such operation/],
] as const)('%s is a violation', async ([, target, body, words]) => {
  const mock = await start();
  await ask(mock, target, body);
  expect(mock.exchanges[0]?.violations).toEqual([expect.stringMatching(words)]);
});

test('an empty body is none where the document has no body, and a form in words allows what it must', async () => {
  const mock = await start();
  await ask(mock, '/orders-api/count', {});
  await ask(mock, '/orders-api/orders', { limit: 1, day: '2026-08-18' });
  expect(mock.exchanges.map(({ violations }) => violations)).toEqual([[], []]);
});

test('a request without its key is a violation', async () => {
  const mock = await start();
  await fetch(`${mock.origin}/goods-api/goods/7`);
  expect(mock.exchanges[0]?.violations).toEqual([expect.stringMatching(/security/i)]);
});

test('an operation whose schema cannot be read is not taken for one that allows everything', async () => {
  const mock = await start();
  await ask(mock, '/goods-api/broken', { name: 'cup' });
  expect(mock.exchanges[0]?.violations).toEqual(['body: cannot be checked']);
});

test('one seed gives one answer, another one another', async () => {
  const [one, same, other] = [await start(), await start(), await start({ seed: 2 })];
  const answer = await askOrders(one);
  expect(await askOrders(same)).toEqual(answer);
  expect(await askOrders(other)).not.toEqual(answer);
});

test('a text with an example is one, for a random one would mean nothing', async () => {
  const { orders } = await askOrders(await start());
  expect(new Set(orders.map(({ at }) => at))).toEqual(new Set(['2026-08-18T09:00:00Z']));
  for (const { status } of orders) expect(['sold', null]).toContain(status);
  // Documents call texts by other names, and do not call lists lists.
  for (const { paidAt, tags } of orders) expect([paidAt, Array.isArray(tags)]).toEqual(['2026-08-18T10:00:00Z', true]);
});

test('after its answers with content an operation answers with empty pages', async () => {
  const mock = await start({ fullAnswers: 2 });
  for (const _ of [1, 2]) expect((await askOrders(mock)).orders.length).toBeGreaterThanOrEqual(3);
  expect(await askOrders(mock)).toMatchObject({ orders: [], next: 0 });
});

test('sparse answers lack optional members, never required ones', async () => {
  const members = ['a', 'at', 'b', 'c', 'd', 'id', 'status', 'vendor'];
  const seen: string[][] = [];
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const { orders } = await askOrders(await start({ answers: 'sparse', seed }));
    seen.push(...orders.map((order) => members.filter((name) => name in order)));
  }
  expect(seen.every((names) => names.includes('id'))).toBe(true);
  expect(seen.some((names) => names.length < members.length)).toBe(true);
});

test('examples are answered as the document has them, one after the other by seed', async () => {
  const first = await ask(await start({ answers: 'examples', seed: 0 }), '/goods-api/goods/7');
  const second = await ask(await start({ answers: 'examples', seed: 1 }), '/goods-api/goods/7');
  expect([first.body, second.body]).toMatchObject([{ name: 'cup' }, { name: 'pot' }]);
});

test('a status is answered where the document has it, else 404', async () => {
  const mock = await start({ status: 403 });
  expect(await ask(mock, '/goods-api/goods/7')).toMatchObject({ status: 403, body: { message: expect.any(String) } });
  expect(await ask(mock, '/goods-api/goods/all')).toMatchObject({ status: 404 });
});
