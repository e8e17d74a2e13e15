import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { DEFAULT_RETRY } from '../../src/core/retry.ts';
import { enginePriority } from '../../queues/driver.ts';
import { admitAtOnce, tagJobs } from '../../queues/fairness.ts';
import { completed, discard, snooze } from '../../queues/outcome.ts';
import { judge, type Ending, type StopReason } from '../../queues/verdict.ts';

const verdict = (ending: Ending, stop: StopReason | null, attempt = 1) =>
  judge({ ending, stop, attempt, policy: DEFAULT_RETRY, timeoutMs: 1_000, random: 0.5 });
const returned = (outcome: ReturnType<typeof completed>): Ending => ({ how: 'returned', outcome });
const threw = (error: unknown): Ending => ({ how: 'threw', error });

describe('what becomes of a job', () => {
  test.each<[string, Ending, StopReason | null, string]>([
    ['completed', returned(completed()), null, 'completed'],
    ['completed although cancelled', returned(completed()), 'cancelled', 'completed'],
    ['completed although drained', returned(completed()), 'drained', 'completed'],
    ['snoozed', returned(snooze(5, 'slice')), null, 'snoozed'],
    ['snoozed while draining', returned(snooze(0, 'drain')), 'drained', 'snoozed'],
    ['snoozed although cancelled', returned(snooze(5, 'slice')), 'cancelled', 'cancelled'],
    ['discarded', returned(discard('won')), null, 'discarded'],
    ['threw when cancelled', threw(new Error('aborted')), 'cancelled', 'cancelled'],
    ['threw when drained', threw(new Error('aborted')), 'drained', 'snoozed'],
    ['abandoned at its time limit', { how: 'abandoned' }, 'timeout', 'retried'],
    ['claim lost', returned(completed()), 'claim_lost', 'lost'],
    ['bug', threw(new TypeError('x is not a function')), null, 'dead'],
    ['parked', threw(new AppError('config.invalid', 'bad')), null, 'dead'],
    ['rate limited', threw(new AppError('platform.rate_limited', 'slow')), null, 'snoozed'],
    ['stale cursor', threw(new AppError('sync.stale_cursor', 'again')), null, 'retried'],
  ])('%s', (_, ending, stop, expected) => {
    expect(verdict(ending, stop).as).toBe(expected);
  });

  test('the last attempt is dead instead of retried, a time limit included', () => {
    expect(verdict(threw(new AppError('http.timeout', 'slow')), null, 5).as).toBe('dead');
    expect(verdict({ how: 'abandoned' }, 'timeout', 5)).toMatchObject({
      as: 'dead',
      error: { code: 'queue.job_timeout' },
    });
  });
});

test('engine priorities keep classes apart whatever the priority inside', () => {
  const priorities = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(priorities, priorities, (low, high) => {
      expect(enginePriority(0, low)).toBeGreaterThan(enginePriority(1, high));
      expect(enginePriority(1, low)).toBeGreaterThan(enginePriority(2, high));
    }),
  );
});

test('a user’s tags never fall, never start in the past, and grow by cost over weight', () => {
  const cost = fc.double({ min: 0.1, max: 100, noNaN: true });
  fc.assert(
    fc.property(fc.array(cost, { minLength: 1 }), cost, cost, cost, (costs, weight, finishTag, virtualTime) => {
      const share = { userId: 'u', weight, finishTag };
      const { tags, finishTags } = tagJobs(
        costs.map((c) => ({ userId: 'u', cost: c })),
        [share],
        virtualTime,
      );
      expect(tags[0]).toBe(Math.max(finishTag, virtualTime));
      expect(tags.toSorted((a, b) => a - b)).toEqual(tags);
      const total = costs.reduce((sum, c) => sum + c, 0);
      expect(finishTags.get('u')).toBeCloseTo(tags[0]! + total / weight, 3);
    }),
  );
});

test('jobs enter at once while there is room, in order, and only when due', () => {
  const now = new Date(1_000);
  const candidate = { userId: 'u', class: 1, cost: 1, runAt: now };
  const loads = new Map([['u', { bound: 20, inEngine: 18, waiting: false }]]);
  const limits = { backlogPerUser: 20, now };
  const later = { ...candidate, runAt: new Date(1_001) };
  expect(admitAtOnce([candidate, later, candidate, candidate], loads, limits)).toEqual([true, false, true, false]);
  const crowded = new Map([['u', { bound: 20, inEngine: 0, waiting: true }]]);
  expect(admitAtOnce([candidate, { ...candidate, class: 0 }], crowded, limits)).toEqual([false, true]);
  expect(admitAtOnce([{ ...candidate, userId: null }], new Map(), limits)).toEqual([true]);
});
