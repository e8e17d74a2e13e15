// What connectors of marketplaces read answers with: JSON without loss, arrays while they come, amounts, ids and days.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseExactJson } from '../../src/connectors/toolkit/exact-json.ts';
import { jsonElements } from '../../src/connectors/toolkit/json-elements.ts';
import {
  addDays,
  instantToMoscow,
  moscowDay,
  moscowToInstant,
  startOfMoscowDay,
} from '../../src/connectors/toolkit/moscow.ts';
import { keyIn } from '../../src/connectors/toolkit/parse-record.ts';
import {
  count,
  day,
  decimalText,
  idText,
  instant,
  maybeInstant,
  minorUnits,
  moscowInstant,
} from '../../src/connectors/toolkit/scalars.ts';
import { maskedChunks } from '../../src/sync/masked-chunks.ts';

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function elementsOf(text: string, size: number): Promise<string[]> {
  return await Array.fromAsync(jsonElements(inChunks(Buffer.from(text), size)));
}

test('numbers that a double cannot hold come as their text, the others as numbers', () => {
  const text = '{"id":9007199254740993,"n":7,"m":-0.10,"big":1e3,"list":[1.5,"1.5",null,true],"max":9007199254740991}';
  expect(parseExactJson(text)).toEqual({
    id: '9007199254740993',
    n: 7,
    m: '-0.10',
    big: '1e3',
    list: ['1.5', '1.5', null, true],
    max: 9007199254740991,
  });
  expect(() => parseExactJson('{"a":')).toThrow(expect.objectContaining({ code: 'http.body_invalid' }));
});

describe('an array while it comes', () => {
  test('any JSON, cut into chunks of any size, is the same elements', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue(), { maxLength: 12 }),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(undefined, 2),
        async (values, size, indent) => {
          const texts = await elementsOf(JSON.stringify(values, null, indent), size);
          expect(texts.map((text) => JSON.parse(text) as unknown)).toEqual(JSON.parse(JSON.stringify(values)));
        },
      ),
    );
  });

  test.each([
    ['cut off inside an element', '[{"a":1},{"a"'],
    ['cut off between elements', '[{"a":1},'],
    ['an object', '{"errors":["no"]}'],
    ['a page of HTML', '<html></html>'],
    ['nothing at all', ''],
    ['two arrays', '[1][2]'],
  ])('%s is an error', async (_name, text) => {
    await expect(elementsOf(text, 7)).rejects.toMatchObject({ code: 'http.body_invalid' });
  });

  test('an element that never ends is refused before it fills the memory', async () => {
    const endless = Buffer.alloc(64 * 1024, 0x61);
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('["');
      for (let n = 0; n < 1_000; n += 1) yield endless;
    }
    await expect(Array.fromAsync(jsonElements(body()))).rejects.toMatchObject({ code: 'http.body_invalid' });
  });
});

test('no token passes in a body that is read while it comes, wherever the chunks are cut', async () => {
  const token = 'secret-тайна-0123456789';
  const secrets = {
    maskAnswer: (text: string) => text.replaceAll(token, '[secret]'),
    longestToken: () => token.length,
  };
  const body = Buffer.from(`["a ${token}", "б ${token}${token}", "secret-та", "${token.slice(0, 9)}"]`);
  for (let size = 1; size < body.length; size += 1) {
    const parts = await Array.fromAsync(maskedChunks(inChunks(body, size), secrets));
    expect(Buffer.concat(parts).toString()).toBe('["a [secret]", "б [secret][secret]", "secret-та", "secret-та"]');
  }
});

describe('scalars', () => {
  test.each([
    ['145.940', '145.94'],
    [7, '7'],
    ['-0.10', '-0.1'],
    ['1e3', '1000'],
    ['1.25E-2', '0.0125'],
    ['0E-8', '0'],
    ['-12.5e1', '-125'],
  ])('amount %s is %s', (given, read) => expect(decimalText.parse(given)).toBe(read));

  test.each(['', 'NaN', '1,5', '12 руб.', '1e9999'])('%j is no amount', (given) =>
    expect(decimalText.safeParse(given).success).toBe(false),
  );

  test.each([
    [1250, '12.5'],
    ['7', '0.07'],
    [-199, '-1.99'],
    [0, '0'],
    ['123456789012345678', '1234567890123456.78'],
  ])('%s hundredths are %s', (given, read) => expect(minorUnits.parse(given)).toBe(read));

  test('ids, counts, days and instants', () => {
    expect([7, '9007199254740993', '9007199254740993.1.0'].map((id) => idText.parse(id))).toEqual([
      '7',
      '9007199254740993',
      '9007199254740993.1.0',
    ]);
    expect([count.parse(3), count.parse('3')]).toEqual([3, 3]);
    expect([day.parse('2026-08-01'), day.parse('2026-08-01T00:00:00')]).toEqual(['2026-08-01', '2026-08-01']);
    expect(instant.parse('2026-08-01T10:19:17+03:00')).toEqual(new Date('2026-08-01T07:19:17Z'));
    expect([maybeInstant.parse('0001-01-01T00:00:00Z'), maybeInstant.parse(''), maybeInstant.parse(null)]).toEqual([
      null,
      null,
      null,
    ]);
    for (const [schema, bad] of [
      [idText, ''],
      [idText, '1.5'],
      [count, '1.5'],
      [count, '9007199254740993'],
      [day, '01.08.2026'],
      [day, '2026-13-01'],
      [instant, '2026-08-01T10:19:17'],
    ] as const)
      expect(schema.safeParse(bad).success, bad).toBe(false);
  });

  test('Moscow time without an offset; with one it is what it says', () => {
    expect(moscowInstant.parse('2026-08-01T10:19:17')).toEqual(new Date('2026-08-01T07:19:17Z'));
    expect(moscowInstant.parse('2026-08-01T07:19:17Z')).toEqual(new Date('2026-08-01T07:19:17Z'));
    expect(moscowInstant.parse('2026-08-01T10:19:17.25')).toEqual(new Date('2026-08-01T07:19:17.250Z'));
    expect([moscowInstant.parse('0001-01-01T00:00:00'), moscowInstant.parse(undefined)]).toEqual([null, null]);
    expect(moscowInstant.safeParse('yesterday').success).toBe(false);
  });
});

test('days of Moscow begin at 21:00 UTC of the day before', () => {
  expect(startOfMoscowDay('2026-08-01')).toEqual(new Date('2026-07-31T21:00:00Z'));
  expect(moscowDay(new Date('2026-07-31T21:00:00Z'))).toBe('2026-08-01');
  expect(moscowDay(new Date('2026-07-31T20:59:59Z'))).toBe('2026-07-31');
  expect(instantToMoscow(new Date('2026-07-31T21:00:05.900Z'))).toBe('2026-08-01T00:00:05');
  expect(moscowToInstant('2026-08-01')).toEqual(new Date('2026-07-31T21:00:00Z'));
  expect([addDays('2026-02-28', 1), addDays('2026-03-01', -1)]).toEqual(['2026-03-01', '2026-02-28']);
  expect(() => startOfMoscowDay('1.8.2026')).toThrow(RangeError);
});

test('a key is a text or a number; of anything else there is none', () => {
  expect([{ id: 7 }, { id: '7' }, { id: '' }, { id: null }, {}, null, 7].map((raw) => keyIn(raw, 'id'))).toEqual([
    '7',
    '7',
    null,
    null,
    null,
    null,
    null,
  ]);
});
