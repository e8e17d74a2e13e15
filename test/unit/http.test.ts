// The pure parts of the http client: addresses, rate headers, redaction.

import { expect, test } from 'vitest';
import { applyBaseUrl, overrideOf } from '../../src/http/base-url.ts';
import { readRateHints } from '../../src/http/rate-headers.ts';
import { redactHeaders, redactUrl } from '../../src/http/redact.ts';

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
