// What series are made of without a database: calendar steps, spans that are compared, zones, CSV, the policy of what is kept.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvText } from '../../src/api/csv.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { addDays, assertTimeZone, bucketsOf, countDays, dayIn, isDay, spanBefore } from '../../src/core/calendar.ts';
import { DAY_MS } from '../../src/core/duration.ts';
import { KEEP_DEFAULTS } from '../../src/core/keep-policy.ts';
import { createLagMeter, type LogPosition } from '../../src/db/replica-lag.ts';

const day = fc.integer({ min: 0, max: 40_000 }).map((days) => addDays('1990-01-01', days));
const span = fc.tuple(day, fc.integer({ min: 0, max: 500 })).map(([from, days]) => ({ from, to: addDays(from, days) }));
const step = fc.constantFrom('day' as const, 'week' as const, 'month' as const);

describe('the calendar', () => {
  test('steps cover every day of a span once, in order', () => {
    fc.assert(
      fc.property(span, step, (days, by) => {
        const buckets = bucketsOf(days, by);
        const covered = buckets.flatMap(({ from, to }) =>
          Array.from({ length: countDays({ from, to }) }, (_, index) => addDays(from, index)),
        );
        expect(covered).toEqual(Array.from({ length: countDays(days) }, (_, index) => addDays(days.from, index)));
        for (const { start, from, to } of buckets) expect(start <= from && from <= to).toBe(true);
      }),
    );
  });

  test('the span before ends the day before, and is as long, or as many whole months', () => {
    fc.assert(
      fc.property(span, step, (days, by) => {
        const before = spanBefore(days, by);
        expect(addDays(before.to, 1)).toBe(days.from);
        expect(bucketsOf(before, by).length).toBeGreaterThan(0);
        if (by !== 'month') expect(countDays(before)).toBe(countDays(days));
      }),
    );
    expect(spanBefore({ from: '2026-03-01', to: '2026-04-30' }, 'month')).toEqual({
      from: '2026-01-01',
      to: '2026-02-28',
    });
    expect(spanBefore({ from: '2026-03-01', to: '2026-03-30' }, 'month')).toEqual({
      from: '2026-01-30',
      to: '2026-02-28',
    });
  });

  test('knows which days there are, and which day it is where', () => {
    expect(['2024-02-29', '2025-02-29', '2025-13-01', '2025-1-1', ''].map(isDay)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
    const at = new Date('2026-03-29T22:30:00Z');
    expect(
      ['UTC', 'Europe/Berlin', 'Pacific/Kiritimati', 'America/Los_Angeles'].map((zone) => dayIn(zone, at)),
    ).toEqual(['2026-03-29', '2026-03-30', '2026-03-30', '2026-03-29']);
    for (const zone of ['+03:00', 'UTC+3', 'Europe/Nowhere', '', 'Europe/Berlin;'])
      expect(() => assertTimeZone(zone)).toThrow('IANA');
    assertTimeZone('America/Argentina/Buenos_Aires');
  });
});

describe('CSV', () => {
  test.each(['=1+1', '+1+1', '-1+1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '\n=1', '＝1', '=cmd|x', '%0A', '|x'])(
    'disarms %j',
    (text) => {
      const [, cell] = csvText(['h'], [[text]]).split(/\r\n(.*)\r\n$/s);
      expect(cell!.replace(/^"/, '').startsWith(`'`)).toBe(true);
    },
  );

  test('leaves numbers and usual text alone, and quotes what needs it', () => {
    const row = [-1.5, '-12.50', '1e21', null, 'Ada', 'a,b', 'a "b"', 'a\nb', 'O’Hara-Smith'];
    expect(csvText(['h'], [row])).toBe(`h\r\n-1.5,-12.50,1e21,,Ada,"a,b","a ""b""","a\nb",O’Hara-Smith\r\n`);
  });
});

describe('what is kept', () => {
  const keepOf = (text: string): unknown => loadConfig({ TIDEMARK_KEEP: text }, { cwd: '/srv', isRoot: false }).keep;

  test('is as usual but for what somebody says', () => {
    expect(keepOf('{}')).toEqual(KEEP_DEFAULTS);
    expect(keepOf('{"runs":"30d","audit":"never","messages":"52w"}')).toEqual({
      ...KEEP_DEFAULTS,
      runs: 30 * DAY_MS,
      audit: null,
      messages: 364 * DAY_MS,
    });
  });

  test.each(['{"runs":"1h"}', '{"runs":90}', '{"users":"90d"}', '{"runs":"90"}', '{"runs":null}', '[]', 'x'])(
    'is refused as %s',
    (text) => {
      expect(() => keepOf(text)).toThrow('TIDEMARK_KEEP');
    },
  );
});

test('the age of a replica is bounded by when the primary was where the replica is, whatever they say and whenever', () => {
  const at = (system: string, timeline: string | null, position: number): LogPosition => ({
    system,
    timeline,
    position: BigInt(position),
  });
  const moves = fc.array(fc.record({ ms: fc.nat(3_000), writes: fc.nat(3), replays: fc.nat(4) }), { maxLength: 40 });
  fc.assert(
    fc.property(moves, (steps) => {
      const meter = createLagMeter();
      expect(meter.lagAt(0)).toBe(Number.POSITIVE_INFINITY);
      let [now, written, replayed] = [0, 1, 0];
      // When the primary wrote each position.
      const writtenAt = [0, 0];
      for (const { ms, writes, replays } of steps) {
        now += ms;
        for (let count = 0; count < writes; count++) writtenAt[++written] = now;
        replayed = Math.min(written, replayed + replays);
        meter.note(now, at('a', '1', written), at('a', null, replayed));
        const missing = writtenAt[replayed + 1];
        // Nothing that is missing there is older than the age that is told.
        if (missing !== undefined) expect(meter.lagAt(now)).toBeGreaterThanOrEqual(now - missing);
        else expect(meter.lagAt(now)).toBe(0);
      }
      meter.note(now, at('a', '1', written), at('b', null, written));
      expect(meter.lagAt(now)).toBe(Number.POSITIVE_INFINITY);
    }),
  );
});
