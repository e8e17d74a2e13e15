import fc from 'fast-check';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { abortable, mapBounded } from '../../src/core/async.ts';
import { backoffMs } from '../../src/core/backoff.ts';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import { formatDuration } from '../../src/core/duration.ts';
import { ERROR_CODES } from '../../src/core/error-codes.ts';
import { AppError, isAbort, reportOf, toAppError } from '../../src/core/errors.ts';
import { isUuid, uuidv7 } from '../../src/core/ids.ts';
import { addMoney, money, normalizeDecimal } from '../../src/core/money.ts';
import { DEFAULT_RETRY, decide } from '../../src/core/retry.ts';
import { Secret } from '../../src/core/secret.ts';

describe('retry decision', () => {
  const failed = (code: keyof typeof ERROR_CODES, attempt = 1, retryAfterMs?: number) =>
    decide({
      error: new AppError(code, 'x', { retryAfterMs }),
      attempt,
      policy: DEFAULT_RETRY,
      random: 0.5,
    });

  test.each([
    ['http.timeout', 1, { action: 'retry', delayMs: 500 }],
    ['http.timeout', 3, { action: 'retry', delayMs: 2_000 }],
    ['http.timeout', 5, { action: 'dead' }],
    ['platform.rate_limited', 99, { action: 'snooze', delayMs: 63_000 }],
    ['platform.unauthorized', 1, { action: 'park', scope: 'integration', gone: false }],
    ['platform.scope_missing', 1, { action: 'park', scope: 'stream', gone: false }],
    ['platform.method_gone', 1, { action: 'park', scope: 'stream', gone: true }],
    ['sync.stale_cursor', 1, { action: 'replan' }],
    ['sync.lease_lost', 1, { action: 'discard' }],
    ['internal', 1, { action: 'dead' }],
  ] as const)('%s at attempt %i', (code, attempt, expected) => {
    expect(failed(code, attempt)).toEqual(expected);
  });

  test('who waits for a day comes back within a minute of it', () => {
    const dayMs = 86_400_000;
    expect(failed('platform.rate_limited', 1, dayMs)).toEqual({ action: 'snooze', delayMs: dayMs + 30_000 });
  });

  test('a platform that says how long is believed, with a little jitter on top', () => {
    expect(failed('platform.rate_limited', 1, 10_000)).toEqual({ action: 'snooze', delayMs: 10_500 });
  });

  test('every code has a decision', () => {
    for (const code of Object.keys(ERROR_CODES) as (keyof typeof ERROR_CODES)[])
      expect(failed(code).action).toBeTruthy();
  });
});

test('backoff stays between 1 ms and its cap, and its ceiling doubles', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
      const wait = backoffMs({ baseMs: 100, capMs: 60_000 }, attempt, random);
      expect(wait).toBeGreaterThanOrEqual(1);
      expect(wait).toBeLessThanOrEqual(Math.min(60_000, 100 * 2 ** (attempt - 1)));
    }),
  );
});

test('a secret prints as a placeholder wherever it goes', () => {
  const secret = new Secret('hunter2');
  const shown = [
    String(secret),
    ['', secret].join(''),
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true, depth: 9 }),
  ];
  for (const text of shown) {
    expect(text).not.toContain('hunter2');
    expect(text).toContain('[secret]');
  }
  expect(Object.values(secret)).toEqual([]);
  expect(secret.reveal()).toBe('hunter2');
});

describe('money', () => {
  test.each([
    ['0012.50', '12.5'],
    ['-0.0', '0'],
    ['.5', '0.5'],
    ['7.', '7'],
    ['99999999999999999999.000001', '99999999999999999999.000001'],
  ])('%s is %s', (text, expected) => expect(normalizeDecimal(text)).toBe(expected));

  test.each(['1e5', '', 'NaN', '1,000', '0x10', '--1'])('%j is refused', (text) => {
    expect(() => normalizeDecimal(text)).toThrow(expect.objectContaining({ code: 'record.invalid' }));
  });

  test('sums are exact and never cross currencies', () => {
    expect(addMoney(money('0.1', 'USD'), money('0.2', 'USD')).amount).toBe('0.3');
    expect(addMoney(money('9007199254740993', 'USD'), money('-1', 'USD')).amount).toBe('9007199254740992');
    expect(() => addMoney(money('1', 'USD'), money('1', 'EUR'))).toThrow(/one currency/);
  });

  test('adding and subtracting the same amount gives the first one back', () => {
    const amount = fc.tuple(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), fc.integer({ min: 0, max: 999_999 }));
    const text = ([whole, micros]: [bigint, number]) => `${whole}.${String(micros).padStart(6, '0')}`;
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        const first = money(text(a), 'EUR');
        const second = money(text(b), 'EUR');
        const negated = money(second.amount.startsWith('-') ? second.amount.slice(1) : `-${second.amount}`, 'EUR');
        expect(addMoney(addMoney(first, second), negated)).toEqual(first);
      }),
    );
  });
});

test('canonical JSON does not depend on the order of keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).toReversed());
      expect(canonicalJson(reversed)).toBe(canonicalJson(value));
    }),
  );
  expect(canonicalJson({ b: 1, a: [null, undefined, new Date(0)], c: undefined })).toBe(
    '{"a":[null,null,"1970-01-01T00:00:00.000Z"],"b":1}',
  );
});

test('UUIDv7 sorts by its instant', () => {
  const ids = [1_000, 2_000, 1_700_000_000_000].map((at) => uuidv7(at));
  expect([...ids].sort()).toEqual(ids);
  for (const id of ids) {
    expect(isUuid(id)).toBe(true);
    expect(id[14]).toBe('7');
  }
});

test('UUIDv7s of one millisecond sort as they were made', () => {
  const ids = Array.from({ length: 2_000 }, () => uuidv7(1_700_000_000_123));
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(2_000);
  expect(ids.every(isUuid)).toBe(true);
  expect(new Set(ids.map((id) => id[19]))).toEqual(new Set(['8', '9', 'a', 'b']));
});

test('an error of somebody else becomes ours without losing its cause', () => {
  const cause = new TypeError('boom');
  const error = toAppError(cause);
  expect(error).toMatchObject({ code: 'internal', kind: 'fatal', cause });
  expect(reportOf(error)).toEqual({ code: 'internal', kind: 'fatal', message: 'unexpected error: boom' });
});

test('waiting ends with the signal, and abort is told apart from failure', async () => {
  const controller = new AbortController();
  const waiting = abortable(new Promise(() => undefined), controller.signal);
  controller.abort();
  const error: unknown = await waiting.catch((reason: unknown) => reason);
  expect(isAbort(error)).toBe(true);
  expect(isAbort(new AppError('http.timeout', 'late'))).toBe(false);
});

test('bounded mapping keeps order and never exceeds its limit', async () => {
  let running = 0;
  let most = 0;
  const results = await mapBounded([...Array(20).keys()], 3, async (item) => {
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    return item * 2;
  });
  expect(results).toEqual([...Array(20).keys()].map((item) => item * 2));
  expect(most).toBe(3);
});

test.each([
  [850, '850 ms'],
  [12_400, '12.4 s'],
  [200_000, '3 min 20 s'],
  [7_500_000, '2 h 05 min'],
])('%i ms reads %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
