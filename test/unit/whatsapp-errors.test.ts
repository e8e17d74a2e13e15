// What codes of the Graph API mean, whatever HTTP status they come with.

import { describe, expect, test } from 'vitest';
import { failureInside, failureOf, restingRules } from '../../src/connectors/whatsapp/errors.ts';
import {
  ALL_RULES,
  managementCharges,
  MANAGEMENT_RULE,
  messageCharges,
  MESSAGES_RULE,
  PAIR_RULE,
} from '../../src/connectors/whatsapp/limits.ts';
import type { AppError, ErrorCode } from '../../src/core/errors.ts';
import { maxInWindow } from '../../src/limits/gcra.ts';

const ASKED = { path: '/1/messages', status: 400 };

function errorOf(code: number, over: object = {}, asked: Partial<Parameters<typeof failureOf>[1]> = {}): AppError {
  const failure = failureInside({ error: { message: 'said', type: 'OAuthException', code, ...over } });
  return failureOf(failure!, { ...ASKED, ...asked });
}

test.each<[number, ErrorCode]>([
  [0, 'platform.unauthorized'],
  [190, 'platform.unauthorized'],
  [3, 'platform.scope_missing'],
  [10, 'platform.scope_missing'],
  [200, 'platform.scope_missing'],
  [299, 'platform.scope_missing'],
  [1, 'platform.unavailable'],
  [2, 'platform.unavailable'],
  [100, 'platform.request_invalid'],
  [803, 'platform.request_invalid'],
  [368, 'platform.blocked'],
  [131031, 'platform.blocked'],
  [4, 'platform.rate_limited'],
  [17, 'platform.rate_limited'],
  [80007, 'platform.rate_limited'],
  [613, 'platform.rate_limited'],
  [130429, 'platform.rate_limited'],
  [131048, 'platform.rate_limited'],
  [131056, 'platform.rate_limited'],
  [133016, 'platform.rate_limited'],
  [131026, 'message.recipient_unreachable'],
  [131047, 'message.window_closed'],
  [131051, 'message.refused'],
  [131052, 'message.refused'],
  [132000, 'message.template_refused'],
  [132015, 'message.template_refused'],
  [987654, 'platform.request_invalid'],
])('code %i is %s', (code, expected) => {
  for (const status of [400, 401, 403, 429, 500]) expect(errorOf(code, {}, { status }).code).toBe(expected);
});

test('the subcode of a dead token stands in the details', () => {
  expect(errorOf(190, { error_subcode: 463, fbtrace_id: 'AX' }).details).toMatchObject({
    code: 190,
    subcode: 463,
    traceId: 'AX',
  });
});

test('code 100 with subcode 33: Graph does not tell missing from forbidden, and neither do we', () => {
  expect(errorOf(100, { error_subcode: 33 }).message).toMatch(/missing.*may not see/);
  expect(errorOf(100).message).not.toMatch(/may not see/);
});

test('a code that nobody knows and that is_transient says to pass is tried again', () => {
  expect(errorOf(987_654, { is_transient: true }).code).toBe('platform.unavailable');
});

test('codes and details are read, titles are not needed', () => {
  const error = errorOf(131_026, { message: '', error_data: { messaging_product: 'whatsapp', details: 'not there' } });
  expect(error.message).toContain('not there');
  expect(failureInside({ error: { code: '190' } })).toMatchObject({ code: 190, subcode: null, words: '' });
});

test.each([null, [], 'x', {}, { error: null }, { error: {} }, { error: { message: 'x' } }, { data: [] }])(
  '%o is no failure',
  (body) => {
    expect(failureInside(body)).toBeNull();
  },
);

describe('waits', () => {
  test('pair rate limit: 4^n seconds, an hour and some at most', () => {
    const waits = [0, 1, 2, 3, 50].map((refusals) => errorOf(131_056, {}, { refusals }).retryAfterMs);
    expect(waits).toEqual([1_000, 4_000, 16_000, 64_000, 4_096_000]);
  });

  test('limits of calls wait as the headers say, those of messages do not', () => {
    const toldMs = 1_140_000;
    expect(errorOf(80_007, {}, { toldMs }).retryAfterMs).toBe(toldMs);
    expect(errorOf(4, {}, { toldMs }).retryAfterMs).toBe(toldMs);
    expect(errorOf(131_056, {}, { toldMs }).retryAfterMs).toBe(1_000);
    expect(errorOf(80_007).retryAfterMs).toBe(300_000);
  });

  test('a limit rests the buckets that it is of', () => {
    const of = (code: number): readonly string[] | null => restingRules(failureInside({ error: { code } })!);
    expect(of(4)).toEqual(['whatsapp.app']);
    expect(of(80_007)).toEqual(['whatsapp.management']);
    expect(of(130_429)).toEqual(['whatsapp.messages']);
    expect(of(131_056)).toEqual(['whatsapp.pair']);
    expect(of(613)).toBeNull();
  });
});

describe('limits', () => {
  test('never above 200 calls an hour, 80 messages a second, 45 to one person at once', () => {
    expect(maxInWindow(MANAGEMENT_RULE, 3_600_000)).toBeLessThanOrEqual(200);
    expect(maxInWindow(MESSAGES_RULE, 1_000)).toBeLessThanOrEqual(80);
    expect(maxInWindow(PAIR_RULE, 6_000)).toBeLessThan(45);
    for (const { source } of ALL_RULES) expect(source).toMatch(/read \d{4}-\d{2}-\d{2}/);
  });

  test('numbers of one account share its calls; of an app that nobody named, only the account is known', () => {
    const payer = { phoneNumberId: '1', wabaId: '2', appId: '3' };
    expect(managementCharges(payer).map(({ key }) => key)).toEqual(['2', '3']);
    expect(managementCharges({ phoneNumberId: '1', wabaId: '2' }).map(({ key }) => key)).toEqual(['2', '2']);
    expect(managementCharges({ phoneNumberId: '1' }).map(({ key }) => key)).toEqual(['number:1', 'number:1']);
    const charges = messageCharges(payer, '4915112345678');
    // Keys stand in logs: nobody's phone number does.
    expect(charges[0]?.key).not.toContain('4915112345678');
    expect(charges.map(({ rule, key }) => [rule.id, key])).toEqual([
      ['whatsapp.pair', expect.stringMatching(/^1:[0-9a-f]{16}$/)],
      ['whatsapp.messages', '1'],
      ['whatsapp.app', '3'],
    ]);
  });
});
