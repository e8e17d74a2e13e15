// The pure parts of the http client: addresses, rate headers, redaction.

import { expect, test } from 'vitest';
import { applyBaseUrl, overrideOf } from '../../src/http/base-url.ts';
import { readRateHints } from '../../src/http/rate-headers.ts';
import { redactHeaders, redactUrl } from '../../src/http/redact.ts';
import { pauseOf, readUsages } from '../../src/http/usage-headers.ts';

test.each([
  ['upwork', 'https://api.upwork.com/graphql', 'http://h:1/api/graphql'],
  ['upwork', 'https://www.upwork.com/api/v3/oauth2/token', 'http://h:1/www/api/v3/oauth2/token'],
  ['wildberries', 'https://statistics-api.wildberries.ru/api/v1/x?d=1', 'http://h:1/statistics-api/api/v1/x?d=1'],
  ['github', 'https://api.github.com/user?per_page=100', 'http://h:1/user?per_page=100'],
  ['telegram', 'https://api.telegram.org/bot1:a/getMe', 'http://h:1/bot1:a/getMe'],
])('%s: %s leads to %s', (platform, official, expected) => {
  const override = overrideOf({ [platform]: 'http://h:1' }, platform);
  expect(applyBaseUrl(platform, new URL(official), override).href).toBe(expected);
  expect(applyBaseUrl(platform, new URL(official), undefined).href).toBe(official);
});

test('a path of the base URL stays in front', () => {
  const override = overrideOf({ github: 'http://h:1/fake/' }, 'github');
  expect(applyBaseUrl('github', new URL('https://api.github.com/user'), override).href).toBe('http://h:1/fake/user');
});

test.each(['h:1', 'ftp://h', 'http://u:secret@h', 'http://h/?a=1', 'nothing'])('base URL %s is refused', (text) => {
  expect(() => overrideOf({ github: text }, 'github')).toThrow(/^expected github base URL/);
  expect(() => overrideOf({ github: text }, 'github')).not.toThrow(/secret/);
});

const now = new Date('2026-03-10T10:00:00Z');
const epoch = Math.floor(now.getTime() / 1_000);

test.each([
  [{ 'retry-after': '30' }, { retryAfterMs: 30_000 }],
  [{ 'retry-after': 'Tue, 10 Mar 2026 10:02:00 GMT' }, { retryAfterMs: 120_000 }],
  [{ 'retry-after': 'Tue, 10 Mar 2026 09:00:00 GMT' }, { retryAfterMs: 1_000 }],
  [{ 'retry-after': '0' }, { retryAfterMs: 1_000 }],
  [{ 'retry-after': '99999999' }, { retryAfterMs: 86_400_000 }],
  [{ 'retry-after': '-5' }, {}],
  [{ 'retry-after': 'soon' }, {}],
  [{ 'retry-after': '2026' }, { retryAfterMs: 2_026_000 }],
  [
    { 'x-ratelimit-retry': '4', 'x-ratelimit-reset': '60' },
    { retryAfterMs: 4_000, resetMs: 60_000, isWindow: false },
  ],
  [
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(epoch + 90) },
    { remaining: 0, resetMs: 90_000, isWindow: true },
  ],
  [{ 'x-ratelimit-remaining': 'many' }, {}],
])('%o says %o', (headers, expected) => {
  expect(readRateHints(headers as Record<string, string>, now)).toEqual(expected);
});

const businessUse = (...told: readonly object[]): Record<string, string> => ({
  'x-business-use-case-usage': JSON.stringify({ '102290129340398': told }),
});

test('usage is told in percent by name, the fullest of three counts; several types of several businesses in one header', () => {
  const headers = {
    'x-app-usage': '{"call_count":12,"total_cputime":85,"total_time":3}',
    'x-business-use-case-usage': JSON.stringify({
      '102290129340398': [
        { type: 'whatsapp_business_management', call_count: 91, total_cputime: 1, total_time: 1 },
        { type: 'whatsapp', call_count: 1, total_cputime: 0, total_time: 0, estimated_time_to_regain_access: 0 },
      ],
      '77': [{ type: 'whatsapp', call_count: 100, estimated_time_to_regain_access: 7 }],
    }),
  };
  expect(readUsages(headers)).toEqual([
    { name: 'app', percent: 85, regainMs: 0 },
    // Digits make the other business the first member.
    { name: 'whatsapp', percent: 100, regainMs: 420_000 },
    { name: 'whatsapp_business_management', percent: 91, regainMs: 0 },
    { name: 'whatsapp', percent: 1, regainMs: 0 },
  ]);
});

test('estimated_time_to_regain_access is minutes, and is what a refusal waits for', () => {
  const headers = businessUse({ type: 'whatsapp', call_count: 100, estimated_time_to_regain_access: 19 });
  expect(readRateHints(headers, now).retryAfterMs).toBe(19 * 60_000);
  expect(readRateHints({ ...headers, 'retry-after': '5' }, now).retryAfterMs).toBe(5_000);
  const absurd = businessUse({ type: 'whatsapp', call_count: 100, estimated_time_to_regain_access: 1e9 });
  expect(readRateHints(absurd, now).retryAfterMs).toBe(86_400_000);
});

test.each([
  [79, 0],
  [80, 0],
  [90, 30_000],
  [100, 60_000],
  [250, 60_000],
])('a budget used to %i % rests %i ms', (percent, ms) => {
  expect(pauseOf([{ name: 'app', percent, regainMs: 0 }], 'app')).toBe(ms);
  expect(pauseOf([{ name: 'app', percent, regainMs: 0 }], 'whatsapp')).toBe(0);
});

test.each([
  '',
  'none',
  '[]',
  '{"1":5}',
  '{"1":[null,{"call_count":9}]}',
  '{"1":[{"type":"whatsapp","call_count":"9"}]}',
])('a header of usage that says %s takes nothing away', (text) => {
  expect(pauseOf(readUsages({ 'x-business-use-case-usage': text, 'x-app-usage': text }), 'whatsapp')).toBe(0);
});

test('addresses are shown without what may be secret', () => {
  expect(redactUrl('https://u:p@api.telegram.org/bot123:AA-b_c/getMe?offset=5&x=1&x=2#t')).toBe(
    'https://api.telegram.org/bot***/getMe?offset=***&x=***',
  );
  expect(redactUrl('https://api.telegram.org/file/bot123%3AAAb/photos/1.jpg')).toBe(
    'https://api.telegram.org/file/bot***/photos/1.jpg',
  );
  expect(redactUrl('secret')).toBe('(not a URL)');
});

test('header values that carry credentials are masked', () => {
  const headers = { Authorization: 'a', 'API-Key': 'b', 'x-auth-token': 'c', 'Client-Id': 'd', accept: 'json' };
  expect(redactHeaders(headers)).toEqual({
    Authorization: '***',
    'API-Key': '***',
    'x-auth-token': '***',
    'Client-Id': '***',
    accept: 'json',
  });
});
