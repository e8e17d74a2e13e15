// What retention decides without a database: lengths of time, the settings, what the doctor says, which streams are meant.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkRetention } from '../../src/app/check-retention.ts';
import { CONNECTORS } from '../../src/app/connectors.ts';
import { systemClock } from '../../src/core/clock.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, parseDuration, renderDuration, SECOND_MS } from '../../src/core/duration.ts';
import { AppError } from '../../src/core/errors.ts';
import { noteBefore, passEveryMs } from '../../src/core/retention.ts';
import { expiredCaches } from '../../src/ops/expired-copies.ts';
import { runPasses } from '../../src/ops/run-retention.ts';
import { tableOf } from '../../src/store/record-tables/tables.ts';
import { streamNamed } from '../support/upwork.ts';
import { UPWORK_STREAMS } from '../support/upwork-streams.ts';

const HOST = { cwd: '/srv/app', isRoot: false };
const retentionOf = (text: string): unknown => loadConfig({ TIDEMARK_RETENTION: text }, HOST).retention;

describe('a length of time', () => {
  test.each([
    ['24h', DAY_MS],
    ['30d', 30 * DAY_MS],
    ['90m', 90 * MINUTE_MS],
    ['45s', 45 * SECOND_MS],
    ['2w', 14 * DAY_MS],
    ['PT24H', DAY_MS],
    ['P1DT12H30M', 36 * HOUR_MS + 30 * MINUTE_MS],
    ['P2W', 14 * DAY_MS],
  ])('may be %s', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', '24', '24 h', '-1h', '1.5h', '24H', 'P', 'PT', 'P1DT', 'P1Y', 'P1M', '1h30m'])('is not %j', (text) =>
    expect(parseDuration(text)).toBeNull(),
  );

  test('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), (seconds) => {
        expect(parseDuration(renderDuration(seconds * SECOND_MS))).toBe(seconds * SECOND_MS);
      }),
    );
    expect([DAY_MS, 30 * DAY_MS, 36 * HOUR_MS].map(renderDuration)).toEqual(['24h', '30d', '36h']);
  });
});

describe('TIDEMARK_RETENTION', () => {
  test('is a limit for each platform, and erases nothing by default', () => {
    expect(retentionOf('')).toEqual({});
    expect(retentionOf('{"upwork":"24h","ozon":"P30D"}')).toEqual({ upwork: DAY_MS, ozon: 30 * DAY_MS });
  });

  test.each([
    ['24h', 'this is not JSON'],
    ['{"upwrk":"24h"}', 'Unrecognized key: "upwrk"'],
    ['{"upwork":24}', 'upwork: a length of time is a text like "24h"'],
    ['{"upwork":"a day"}', 'upwork: expected 1m to 3650d'],
    ['{"upwork":"0h"}', 'upwork: expected 1m to 3650d'],
    ['{"upwork":"9999d"}', 'upwork: expected 1m to 3650d'],
    ['["24h"]', 'expected JSON {"<platform>": "24h"}'],
  ])('%s is told with every other problem', (text, told) => {
    const load = (): unknown => loadConfig({ TIDEMARK_RETENTION: text, PORT: 'x' }, HOST);
    expect(load).toThrow(AppError);
    expect(load).toThrow('the environment has 2 problems:');
    expect(load).toThrow(told);
    expect(load).toThrow('PORT: expected');
  });
});

test('passes come each twenty-fourth of the shortest limit, from a minute to an hour', () => {
  expect(passEveryMs({})).toBeNull();
  expect(passEveryMs({ upwork: DAY_MS, ozon: 30 * DAY_MS })).toBe(HOUR_MS);
  expect(passEveryMs({ upwork: 2 * HOUR_MS })).toBe(5 * MINUTE_MS);
  expect(passEveryMs({ upwork: MINUTE_MS })).toBe(MINUTE_MS);
  expect(passEveryMs({ ozon: 300 * DAY_MS })).toBe(HOUR_MS);
  expect(noteBefore(DAY_MS, new Date('2026-10-06T12:00:00Z'))).toEqual(new Date('2026-10-06T10:00:00Z'));
});

describe('what is the platform’s', () => {
  test('is Upwork’s postings; what a freelancer does there is his own', () => {
    const owners = UPWORK_STREAMS.map((name) => [name, streamNamed(name).owner]);
    expect(owners.filter(([, owner]) => owner === 'platform')).toEqual([['jobs', 'platform']]);
  });

  test('has a table that says which of its rows are the user’s, and no table of what is his own', () => {
    const streams = [...CONNECTORS.values()].flatMap((connector) => connector.streams);
    for (const { owner, kind, name } of streams)
      expect(tableOf(kind).ownedWhen === undefined, name).toBe(owner === 'user');
  });

  test('expires where the platform has a limit', () => {
    const now = new Date('2026-10-06T12:00:00Z');
    expect(expiredCaches(CONNECTORS.values(), {}, now)).toEqual([]);
    expect(expiredCaches(CONNECTORS.values(), { upwork: DAY_MS }, now)).toEqual([
      { platform: 'upwork', before: new Date('2026-10-05T12:00:00Z'), streams: ['jobs'], tables: [tableOf('posting')] },
    ]);
  });
});

describe('the doctor', () => {
  const check = (retention: Parameters<typeof checkRetention>[0]['retention']): unknown =>
    checkRetention({ retention }, CONNECTORS.values());

  test('warns when nothing is erased, with the platform’s term, its source and its date', () => {
    expect(check({})).toEqual({
      status: 'weak',
      finding:
        'Upwork: nothing is ever erased, its terms let data be cached for 24 hours (Upwork API documentation, API requests limits, read 2026-10-06)',
      advice: `set TIDEMARK_RETENTION={"upwork":"24h"}, unless you have the platform's permission to keep it longer`,
    });
  });

  test('warns of a limit that is longer than the term', () => {
    expect(check({ upwork: 30 * DAY_MS, ozon: DAY_MS })).toMatchObject({
      status: 'weak',
      finding: expect.stringContaining('erased after 30d, its terms let data be cached for 24 hours') as string,
      advice: expect.stringContaining('{"upwork":"24h","ozon":"24h"}') as string,
    });
  });

  test('is content with the term', () => {
    expect(check({ upwork: DAY_MS })).toEqual({ status: 'ok', finding: 'Upwork: erased after 24h, as its terms ask' });
  });
});

test('a pass that nobody does is given up and counted', async () => {
  let mono = 0;
  const clock = { ...systemClock, mono: () => (mono += 10 * SECOND_MS) };
  const queue = {
    enqueueMany: (asked: readonly unknown[]) =>
      Promise.resolve(asked.map((_, index) => ({ jobId: String(index), created: true }))),
    get: () => Promise.resolve(null),
  };
  const passed = await runPasses({ queue, clock }, ['a', 'b'], new AbortController().signal);
  expect(passed).toEqual({ rows: [], unfinished: 2 });
});
