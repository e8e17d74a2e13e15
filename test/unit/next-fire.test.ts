import { describe, expect, it } from 'vitest';
import { checkSchedule, nextFire } from '../../src/scheduler/next-fire.ts';

const now = new Date('2026-05-04T10:00:00Z');

function fires(cron: string, timezone: string, from: string, count: number): string[] {
  const found: string[] = [];
  let at = new Date(from);
  while (found.length < count) {
    at = nextFire({ cron, timezone }, 12_345, at);
    found.push(at.toISOString().slice(0, 16));
  }
  return found;
}

describe('cron and daylight saving', () => {
  it.each([
    [
      'gap: 02:30 does not exist',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00', '2026-03-30T00:30'],
    ],
    [
      'gap: 02:00 does not exist',
      '0 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00', '2026-03-30T00:00'],
    ],
    ['gap', '30 2 * * *', 'America/New_York', '2026-03-07T12:00Z', ['2026-03-08T07:00', '2026-03-09T06:30']],
    [
      'overlap: 02:30 occurs twice',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      ['2026-10-25T00:30', '2026-10-26T01:30'],
    ],
    [
      'overlap: 01:30 occurs twice',
      '30 1 * * *',
      'America/New_York',
      '2026-10-31T12:00Z',
      ['2026-11-01T05:30', '2026-11-02T06:30'],
    ],
    ['no change', '30 2 * * *', 'UTC', '2026-03-28T12:00Z', ['2026-03-29T02:30', '2026-03-30T02:30']],
  ])('%s (%s %s)', (...[, cron, zone, from, expected]) => {
    expect(fires(cron, zone, from, expected.length)).toEqual(expected);
  });

  it('a time inside the gap fires on that day, at the next time that exists', () => {
    const [first] = fires('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z', 1);
    expect(first! >= '2026-03-29T01:00').toBe(true);
  });

  it('spread never moves a cron fire', () => {
    const schedule = { cron: '0 9 * * 1', timezone: 'Europe/Berlin' };
    expect(nextFire(schedule, 0, now)).toEqual(nextFire(schedule, 999_999, now));
  });
});

describe('schedules that are refused say what was expected', () => {
  it.each([
    [{ cron: '61 * * * *', timezone: 'UTC' }, /five fields .*61/],
    [{ cron: '* * * *', timezone: 'UTC' }, /five fields .*got 4/],
    [{ cron: '* * * * * *', timezone: 'UTC' }, /five fields .*got 6/],
    [{ cron: 'every day', timezone: 'UTC' }, /five fields/],
    [{ cron: '@daily', timezone: 'UTC' }, /five fields/],
    [{ cron: '', timezone: 'UTC' }, /five fields/],
    [{ cron: '0 0 30 2 *', timezone: 'UTC' }, /fires some day/],
    [{ cron: '0 0 * * *' }, /IANA time zone/],
    [{ cron: '0 0 * * *', timezone: 'Mars/Olympus' }, /IANA time zone .*Mars\/Olympus/],
    [{ cron: '0 0 * * *', timezone: '+02:00' }, /IANA time zone/],
    [{ timezone: 'UTC' }, /cron expression beside a time zone/],
    [{ cron: '0 0 * * *', timezone: 'UTC', intervalMinutes: 5 }, /either .* got both/],
    [{ intervalMinutes: 0 }, /1 to 44640 whole minutes, got 0/],
    [{ intervalMinutes: -5 }, /got -5/],
    [{ intervalMinutes: 1.5 }, /got 1.5/],
    [{ intervalMinutes: 44_641 }, /got 44641/],
    [{ intervalMinutes: Number.NaN }, /got NaN/],
  ])('%j', (schedule, message) => {
    expect(() => checkSchedule(schedule, now)).toThrow(
      expect.objectContaining({ code: 'input.invalid', message: expect.stringMatching(message) as string }),
    );
  });

  it.each([
    [{}],
    [{ intervalMinutes: 1 }],
    [{ intervalMinutes: 44_640 }],
    [{ cron: '*/5 8-18 * * 1-5', timezone: 'Asia/Shanghai' }],
  ])('%j is accepted', (schedule) => {
    expect(() => checkSchedule(schedule, now)).not.toThrow();
  });
});
