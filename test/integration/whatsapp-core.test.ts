// The core of the WhatsApp connector over real HTTP: who the number is, when its token ends, and refusals whose statuses mislead.

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createGraphApi, type Context } from '../../src/connectors/whatsapp/api.ts';
import { whatsapp } from '../../src/connectors/whatsapp/index.ts';
import { AppError, reportOf } from '../../src/core/errors.ts';
import type { BucketCharge, Governor } from '../../src/limits/governor.ts';
import type { EventFields, EventLog } from '../../src/telemetry/event-log.ts';
import { OPEN_GOVERNOR } from '../support/connector-rig.ts';
import { graphError, NUMBER, startGraph, TOKEN, WABA, type Graph, type GraphAnswer } from '../support/graph.ts';

const NAMED = { id: NUMBER, display_phone_number: '+1 631-555-5555', verified_name: 'Tea and More' };

const number = (debug: GraphAnswer): Promise<Graph> =>
  startGraph(({ path }) => {
    if (path.endsWith('/phone_numbers')) return { body: { data: [{ id: '1' }, { id: NUMBER }] } };
    return path.endsWith('/debug_token') ? debug : { body: NAMED };
  });

async function failureOf(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

const ask = async (graph: Graph, over: Partial<Context> = {}, governor: Governor = OPEN_GOVERNOR): Promise<unknown> =>
  await createGraphApi({ ...(graph.context({ governor }) as Context), ...over }).get(`/${WABA}`, {}, z.unknown());

describe('the account', () => {
  test('test() proves the number and says when its token ends; the token is in the address at the socket only', async () => {
    const graph = await number({ body: { data: { is_valid: true, expires_at: 1_769_904_000 } } });
    expect(await whatsapp.test(graph.context())).toEqual({
      externalAccountId: NUMBER,
      displayName: 'Tea and More',
      credentialExpiresAt: new Date('2026-02-01T00:00:00Z'),
    });
    expect(graph.asked.map(({ path }) => path)).toEqual([
      `/v23.0/${NUMBER}`,
      `/v23.0/${WABA}/phone_numbers`,
      '/v23.0/debug_token',
    ]);
    expect(graph.asked[2]).toMatchObject({ query: { input_token: TOKEN } });
    for (const { headers } of graph.asked) expect(headers.authorization).toBe(`Bearer ${TOKEN}`);
  });

  test.each<[string, GraphAnswer]>([
    ['0 is never', { body: { data: { is_valid: true, expires_at: 0 } } }],
    ['a token that may not ask says nothing', { status: 400, body: graphError(100) }],
    ['nor does one of another app', { status: 403, body: graphError(200) }],
  ])('expiry: %s', async (_, debug) => {
    const account = await whatsapp.test((await number(debug)).context());
    expect(account).toEqual({ externalAccountId: NUMBER, displayName: 'Tea and More' });
  });

  test('a number that is not the token’s is told', async () => {
    const graph = await startGraph(() => ({ status: 400, body: graphError(100, { error_subcode: 33 }) }));
    expect(await failureOf(whatsapp.test(graph.context()))).toMatchObject({
      code: 'credential.invalid',
      details: { code: 100, subcode: 33 },
    });
  });

  test('an account that does not have the number is no account of it: nobody hears what is told of others', async () => {
    const graph = await startGraph(({ path }) => ({
      body: path.endsWith('/phone_numbers') ? { data: [{ id: '1' }] } : NAMED,
    }));
    expect(await failureOf(whatsapp.test(graph.context()))).toMatchObject({
      code: 'input.invalid',
      details: { path: 'waba_id' },
    });
    expect(
      await whatsapp.test((await number({ status: 400, body: graphError(100) })).context({ settings: {} })),
    ).toEqual({
      externalAccountId: NUMBER,
      displayName: 'Tea and More',
    });
  });

  test.each([
    { access_token: TOKEN, phone_number_id: 106_540_352_242_922 },
    { access_token: 'a b', phone_number_id: NUMBER },
    { access_token: TOKEN },
    { access_token: TOKEN, phone_number_id: NUMBER, app_secret: 'x' },
  ])('%o is no credential', (credential) => {
    expect(whatsapp.credential.safeParse(credential).success).toBe(false);
  });

  test('settings are strict, and none are fine', () => {
    expect(whatsapp.settings.parse({})).toEqual({ graph_version: 'v23.0' });
    expect(whatsapp.settings.safeParse({ wabaid: '1' }).success).toBe(false);
    expect(whatsapp.settings.safeParse({ graph_version: 'latest' }).success).toBe(false);
  });
});

describe('refusals', () => {
  test.each([
    [500, 190, 'platform.unauthorized'],
    [429, 200, 'platform.scope_missing'],
    [400, 4, 'platform.rate_limited'],
    [403, 80007, 'platform.rate_limited'],
    [401, 131031, 'platform.blocked'],
    [200, 190, 'platform.unauthorized'],
  ])('HTTP %i with code %i is %s, asked once', async (status, code, expected) => {
    const graph = await startGraph(() => ({ status, body: graphError(code) }));
    const error = await failureOf(ask(graph));
    expect(error).toMatchObject({ code: expected, details: { code } });
    expect(graph.asked).toHaveLength(1);
  });

  test('codes 1 and 2 with HTTP 500 are asked again', async () => {
    const graph = await startGraph((_, n) => (n < 3 ? { status: 500, body: graphError(n) } : { body: { id: WABA } }));
    expect(await ask(graph)).toEqual({ id: WABA });
    expect(graph.asked).toHaveLength(3);
  });

  test('the header of a refusal counts minutes, and only buckets that the code is of rest', async () => {
    const usage = {
      [WABA]: [{ type: 'whatsapp_business_management', call_count: 100, estimated_time_to_regain_access: 12 }],
    };
    const graph = await startGraph(() => ({
      status: 400,
      body: graphError(80_007),
      headers: { 'x-business-use-case-usage': JSON.stringify(usage) },
    }));
    const lessons: unknown[] = [];
    const governor: Governor = { ...OPEN_GOVERNOR, learn: async (lesson) => void lessons.push(lesson) };
    expect((await failureOf(ask(graph, {}, governor))).retryAfterMs).toBe(12 * 60_000);
    expect(lessons).toMatchObject([
      { rule: { id: 'whatsapp.management' }, key: WABA, outcome: 'rate_limited', retryAfterMs: 720_000 },
    ]);
  });

  test('answers that say how much is used let the account’s bucket rest', async () => {
    const usage = {
      [WABA]: [{ type: 'whatsapp_business_management', call_count: 90, estimated_time_to_regain_access: 0 }],
    };
    const graph = await startGraph(() => ({
      headers: { 'x-business-use-case-usage': JSON.stringify(usage), 'x-app-usage': '{"call_count":3}' },
    }));
    const parked: Pick<BucketCharge, 'rule' | 'key'>[] = [];
    const governor: Governor = { ...OPEN_GOVERNOR, park: async (bucket) => void parked.push(bucket) };
    await ask(graph, {}, governor);
    expect(parked.map(({ rule, key }) => [rule.id, key])).toEqual([['whatsapp.management', WABA]]);
  });

  test('a page of HTML is no answer, and its 503 is tried again', async () => {
    const broken = await startGraph(() => ({ text: '<html>sorry</html>' }));
    expect((await failureOf(ask(broken))).code).toBe('platform.answer_invalid');
    const down = await startGraph((_, n) => (n === 1 ? { status: 503, text: '<html>' } : { body: {} }));
    expect(await ask(down)).toEqual({});
  });

  test('a token that Graph repeats in its words is not ours to repeat', async () => {
    const words = `Malformed access token ${TOKEN} and EAAGotherTokenOfMeta`;
    const graph = await startGraph(() => ({ status: 400, body: graphError(190, { message: words }) }));
    const report = JSON.stringify(reportOf(await failureOf(ask(graph))));
    expect(report).toContain('Malformed access token ***');
    expect(report).not.toMatch(/EAA/);
  });

  test('ids past 2^53 stay exact', async () => {
    const graph = await startGraph(() => ({ text: '{"id":9007199254740993}' }));
    expect(await ask(graph)).toEqual({ id: '9007199254740993' });
  });
});

describe('the version', () => {
  const told = async (answered: string): Promise<readonly unknown[]> => {
    const graph = await startGraph(() => ({ headers: { 'facebook-api-version': answered } }));
    const lines: unknown[] = [];
    const log: EventLog = {
      emit: (event: string, fields?: EventFields) => void lines.push([event, fields]),
      with: () => log,
    };
    const api = createGraphApi({ ...(graph.context() as Context), log });
    for (const _ of [1, 2]) await api.get(`/${WABA}`, {}, z.unknown());
    return lines;
  };

  test('another facebook-api-version than was asked for is told once', async () => {
    expect(await told('v24.0')).toEqual([
      ['platform.version_changed', { platform: 'whatsapp', asked: 'v23.0', answered: 'v24.0' }],
    ]);
    expect(await told('v23.0')).toEqual([]);
  });

  test('a setting asks for another one', async () => {
    const graph = await startGraph(() => ({}));
    await createGraphApi(graph.context({ settings: { graph_version: 'v25.0' } }) as Context).get('/1', {}, z.unknown());
    expect(graph.asked[0]?.path).toBe('/v25.0/1');
  });
});
