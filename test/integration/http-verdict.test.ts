// Platforms whose statuses mislead, and that say in percent how much is used: the http client against real servers on loopback.

import { expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import type { HttpRequest, Verdict } from '../../src/http/http-client.ts';
import type { BucketRule } from '../../src/limits/governor.ts';
import { createMemoryGovernor } from '../../src/limits/memory-governor.ts';
import { OPEN_RULE, testClient } from '../support/http.ts';
import { json, scriptedServer } from '../support/scripted-server.ts';

const narrow: BucketRule = { ...OPEN_RULE, id: 'test.narrow' };
const wide: BucketRule = { ...OPEN_RULE, id: 'test.wide', usage: 'app' };
const CHARGES = [
  { rule: narrow, key: 'a' },
  { rule: wide, key: 'a' },
];

const says =
  (verdict: Verdict | undefined): NonNullable<HttpRequest['verdict']> =>
  () =>
    verdict;

test.each([429, 500, 503])('an answer of HTTP %i that its verdict calls one is not asked again', async (status) => {
  const server = await scriptedServer(json(status, { code: 190 }));
  const client = testClient({ baseUrl: server.url });
  const answer = await client.send({ verdict: says({ kind: 'answer' }) });
  expect(answer).toMatchObject({ status, text: '{"code":190}' });
  expect(server.asked).toHaveLength(1);
});

test('without a verdict the status decides', async () => {
  const server = await scriptedServer(json(503, {}), json(200, {}));
  const client = testClient({ baseUrl: server.url });
  expect(await client.send({ verdict: says(undefined) })).toMatchObject({ status: 200 });
});

test('a verdict to slow down parks the buckets that it names, and no other', async () => {
  const server = await scriptedServer(json(200, {}));
  const client = testClient({ baseUrl: server.url });
  const error = new AppError('platform.rate_limited', 'too much', { retryAfterMs: 60_000 });
  const verdict = says({ kind: 'slow_down', error, charges: CHARGES.slice(0, 1) });
  await expect(client.send({ charges: CHARGES, verdict })).rejects.toBe(error);
  expect(await client.send({ charges: CHARGES.slice(1) })).toMatchObject({ status: 200 });
  await expect(client.send({ charges: CHARGES })).rejects.toMatchObject({
    code: 'platform.rate_limited',
    details: { reason: 'parked' },
  });
});

test.each([
  ['at 79 % nothing rests', { call_count: 79 }, null],
  ['from 80 % on requests leave slower', { call_count: 90 }, 30_000],
  [
    'whoever is shut out waits for the minutes that he is told',
    { call_count: 100, estimated_time_to_regain_access: 3 },
    180_000,
  ],
])('%s, in the bucket that the usage is of', async (_, usage, waitMs) => {
  const server = await scriptedServer(json(200, {}, { 'x-app-usage': JSON.stringify(usage) }));
  const client = testClient({
    baseUrl: server.url,
    deps: {
      governor: createMemoryGovernor({ clock: { now: () => new Date(0) } }),
      clock: { ...systemClock, now: () => new Date(0) },
    },
  });
  expect(await client.send({ charges: CHARGES })).toMatchObject({ status: 200 });
  expect(await client.send({ charges: CHARGES.slice(0, 1) })).toMatchObject({ status: 200 });
  const again = client.send({ charges: CHARGES });
  if (waitMs === null) expect(await again).toMatchObject({ status: 200 });
  else await expect(again).rejects.toMatchObject({ code: 'platform.rate_limited', retryAfterMs: waitMs });
});
