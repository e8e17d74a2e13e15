import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MINUTE_MS } from '../../src/core/duration.ts';
import { nextFire } from '../../src/scheduler/next-fire.ts';
import { spreadSecondsOf } from '../../src/store/streams.ts';

const interval = fc.integer({ min: 1, max: 44_640 });
const spread = fc.integer({ min: 0, max: 44_640 * 60 - 1 });
const instant = fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true });

describe('the spread of intervals', () => {
  it('is the same for a stream whenever it is asked', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.string(), (integrationId, stream) => {
        const seconds = spreadSecondsOf({ integrationId, stream });
        expect(spreadSecondsOf({ integrationId, stream })).toBe(seconds);
        expect(Number.isInteger(seconds) && seconds >= 0 && seconds < 44_640 * 60).toBe(true);
      }),
    );
  });

  it('keeps each gap between half an interval and one and a half', () => {
    fc.assert(
      fc.property(interval, spread, instant, (intervalMinutes, seconds, now) => {
        const gap = nextFire({ intervalMinutes }, seconds, now).getTime() - now.getTime();
        expect(gap).toBeGreaterThanOrEqual((intervalMinutes * MINUTE_MS) / 2);
        expect(gap).toBeLessThan(intervalMinutes * MINUTE_MS * 1.5);
      }),
    );
  });

  it('does not drift, however late within half an interval a fire is claimed', () => {
    fc.assert(
      fc.property(
        interval,
        spread,
        instant,
        fc.double({ min: 0, max: 0.499, noNaN: true }),
        (minutes, seconds, now, late) => {
          const first = nextFire({ intervalMinutes: minutes }, seconds, now);
          const claimedAt = new Date(first.getTime() + Math.floor(late * minutes * MINUTE_MS));
          const second = nextFire({ intervalMinutes: minutes }, seconds, claimedAt);
          expect(second.getTime() - first.getTime()).toBe(minutes * MINUTE_MS);
        },
      ),
    );
  });

  it('350 accounts on one interval of 15 minutes never fire more than 8 in the same second', () => {
    const now = new Date('2026-05-04T10:00:00Z');
    const fires = new Map<number, number>();
    for (let account = 0; account < 350; account++) {
      const key = { integrationId: `00000000-0000-7000-8000-${String(account).padStart(12, '0')}`, stream: 'jobs' };
      const at = nextFire({ intervalMinutes: 15 }, spreadSecondsOf(key), now).getTime();
      fires.set(at, (fires.get(at) ?? 0) + 1);
    }
    expect(Math.max(...fires.values())).toBeLessThanOrEqual(8);
    expect(fires.size).toBeGreaterThan(200);
  });
});
