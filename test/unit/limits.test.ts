// Limits without a database: the conformance suite on the memory governor, overrides, and the bound a rule gives.

import { expect, test } from 'vitest';
import { API_RULE } from '../../src/connectors/upwork/limits.ts';
import { maxInWindow } from '../../src/limits/gcra.ts';
import type { Governor } from '../../src/limits/governor.ts';
import { createMemoryGovernor } from '../../src/limits/memory-governor.ts';
import { applyLimitOverrides } from '../../src/limits/overrides.ts';
import { ruleOf } from '../conformance/limiter/harness.ts';
import { limiterConformance } from '../conformance/limiter/suite.ts';

const systemNow = (): Date => new Date();

limiterConformance('memory', async () => {
  // Workers of one process share the buckets of one governor per clock.
  const byClock = new Map<unknown, Governor>();
  return {
    governor: (now = systemNow) => {
      const governor = byClock.get(now) ?? createMemoryGovernor({ clock: { now } });
      byClock.set(now, governor);
      return governor;
    },
    close: async () => undefined,
  };
});

test("Upwork's rule keeps to 300 in any sliding minute though requests leave up to 3 s late, and uses nine tenths", () => {
  const lateMs = 3_000;
  expect(maxInWindow(API_RULE, 60_000 + lateMs)).toBeLessThanOrEqual(300);
  expect((60_000 * API_RULE.requests) / API_RULE.perMs).toBeGreaterThanOrEqual(0.9 * 300);
});

test('an override changes what it names and leaves other rules alone', () => {
  const rule = ruleOf({ id: 'upwork.api', perDay: 100 });
  const overrides = { 'upwork.api': { requests: 5, perDay: 50 } };
  expect(applyLimitOverrides(rule, overrides)).toMatchObject({ requests: 5, perMs: 60_000, burst: 1, perDay: 50 });
  expect(applyLimitOverrides(rule, { 'upwork.api': { interactiveReserve: 0.5 } }).interactiveReserve).toBe(0.5);
  const other = ruleOf({ id: 'constructor' });
  expect(applyLimitOverrides(other, overrides)).toBe(other);
});

test.each([{ requests: 0 }, { perMs: -1 }, { burst: 0.5 }, { perDay: 0 }, { requests: Number.NaN }])(
  'an override that could never grant anything is refused: %o',
  (override) => {
    const rule = ruleOf({ id: 'x.y' });
    expect(() => applyLimitOverrides(rule, { 'x.y': override })).toThrow(/limit x\.y: expected/);
  },
);
