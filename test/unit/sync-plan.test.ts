// Pure parts of a run: what to read, from where, and what a page may say.

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DAY_MS, HOUR_MS } from '../../src/core/duration.ts';
import { createStuckGuard, storedForm } from '../../src/sync/checkpoint.ts';
import { cleanRecord } from '../../src/sync/clean-text.ts';
import { planRun } from '../../src/sync/plan.ts';
import { redact } from '../../src/sync/quarantine.ts';
import { readAhead } from '../../src/sync/read-ahead.ts';
import { isBraked } from '../../src/sync/scope.ts';
import { arrayLiteral } from '../../src/store/record-tables/record-table.ts';

const now = new Date('2026-03-10T12:00:00Z');
const ago = (ms: number): Date => new Date(now.getTime() - ms);
const cursor = { version: 2, schema: z.object({ mark: z.string() }) };
const policy = {
  fullEveryMs: 7 * DAY_MS,
  lookbackMs: HOUR_MS,
  cursor,
  highWaterMark: (at: unknown) => new Date((at as { mark: string }).mark),
};
const at = { mark: ago(2 * HOUR_MS).toISOString() };
const stored = { v: 2, at };
const state = { stored, lastFullAt: ago(DAY_MS), requested: 'incremental' } as const;

describe('plan', () => {
  test('an incremental pass starts one lookback behind the high-water mark', () => {
    expect(planRun(state, policy, now)).toEqual({
      type: 'incremental',
      cursor: at,
      since: ago(3 * HOUR_MS),
      until: now,
    });
  });

  test.for([
    ['nothing is stored', { stored: null }],
    ['the cursor is of another version', { stored: { v: 1, at } }],
    ['the cursor does not fit its schema', { stored: { v: 2, at: { mark: 7 } } }],
    ['a full pass is due', { lastFullAt: ago(8 * DAY_MS) }],
    ['there never was a full pass', { lastFullAt: null }],
    ['a full pass is asked for', { requested: 'full' }],
  ] as const)('everything is read when %s', ([, change]) => {
    expect(planRun({ ...state, ...change }, policy, now)).toEqual({
      type: 'full',
      cursor: null,
      since: null,
      until: now,
    });
  });

  test('an unfinished pass is finished with the bounds it began with', () => {
    const pass = { type: 'full', since: null, until: ago(HOUR_MS) } as const;
    const unfinished = storedForm(at, cursor, pass);
    const plan = planRun({ ...state, stored: JSON.parse(JSON.stringify(unfinished)), lastFullAt: null }, policy, now);
    expect(plan).toEqual({ ...pass, cursor: at });
  });

  test('an unfinished pass older than a day begins anew', () => {
    const pass = { type: 'full', since: null, until: ago(2 * DAY_MS) } as const;
    const unfinished: unknown = JSON.parse(JSON.stringify(storedForm(at, cursor, pass)));
    expect(planRun({ ...state, stored: unfinished, lastFullAt: null }, policy, now)).toMatchObject({ cursor: null });
  });

  test('a high-water mark from the future counts as now', () => {
    const ahead = { v: 2, at: { mark: new Date(now.getTime() + DAY_MS).toISOString() } };
    expect(planRun({ ...state, stored: ahead }, policy, now).since).toEqual(ago(HOUR_MS));
  });
});

describe('checkpoint', () => {
  const pass = { type: 'full', since: null, until: now } as const;

  test('a page without one leaves the stored one alone', () => {
    expect(storedForm(undefined, cursor, pass)).toBeUndefined();
  });

  test('a cursor that grows with the data is refused', () => {
    expect(() => storedForm({ mark: 'x'.repeat(70_000) }, cursor, pass)).toThrow(/64 KiB/);
  });

  test('pages without a checkpoint are not stuck', () => {
    const guard = createStuckGuard(null);
    for (let page = 0; page < 100; page++) guard.watch(undefined);
    expect(guard.hasMoved).toBe(false);
  });
});

describe('read ahead', () => {
  const signal = new AbortController().signal;

  test.for([true, false])('asks for the next page early only when it may: %s', async (ahead) => {
    const asked: number[] = [];
    async function* source(): AsyncGenerator<number> {
      for (let page = 1; page <= 3; page++) {
        asked.push(page);
        yield page;
      }
    }
    const seen: number[][] = [];
    for await (const page of readAhead(source(), { ahead, signal })) {
      await Promise.resolve();
      seen.push([page, asked.length]);
    }
    expect(seen).toEqual(
      ahead
        ? [
            [1, 2],
            [2, 3],
            [3, 3],
          ]
        : [
            [1, 1],
            [2, 2],
            [3, 3],
          ],
    );
  });

  test('an error of the page ahead comes after the page before it', async () => {
    async function* source(): AsyncGenerator<number> {
      yield 1;
      throw new Error('second page');
    }
    const pages = readAhead(source(), { ahead: true, signal });
    expect(await pages.next()).toEqual({ done: false, value: 1 });
    await expect(pages.next()).rejects.toThrow('second page');
  });
});

test('a clean record is handed on untouched', () => {
  const record = { text: 'a', at: now, list: ['b'], deep: { c: null } };
  expect(cleanRecord(record).value).toBe(record);
  expect(cleanRecord({ list: ['a\0'], deep: { 'k\0': 'v\ud800' } })).toEqual({
    value: { list: ['a'], deep: { k: 'v\ufffd' } },
    count: 2,
  });
});

test('the brake lets fifty rows or thirty per cent go', () => {
  expect([isBraked(50, 60), isBraked(51, 60), isBraked(300, 1000), isBraked(301, 1000)]).toEqual([
    false,
    true,
    false,
    true,
  ]);
});

test('array literals keep every text', () => {
  expect(arrayLiteral(['a"b', 'c\\d', '', 'NULL', null])).toBe('{"a\\"b","c\\\\d","","NULL",NULL}');
  expect(arrayLiteral([])).toBe('{}');
});

test('a redacted view holds no value', () => {
  expect(redact({ a: 'secret', b: [1, 2], c: { d: { e: { f: 1 } } }, g: null }, 0)).toEqual({
    a: 'text of 6',
    b: { list: 2, first: ['number'] },
    c: { d: { e: { f: 'number' } } },
    g: null,
  });
});
