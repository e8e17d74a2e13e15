// Fifty syncs of one shop before a limit that is not the documented one and changes without notice: few are refused, and little
// of it is left unused.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MINUTE_MS, SECOND_MS } from '../../src/core/duration.ts';
import type { BucketRule } from '../../src/limits/governor.ts';
import { workAsCrowd, type HiddenLimit } from '../support/hidden-limit.ts';

const ruleOf = (fields: Omit<BucketRule, 'id' | 'source'>): BucketRule => ({
  id: 'test.crowd',
  source: 'test',
  ...fields,
});

/** What the platform means: a part of the rule's rate and of its burst, another one every `stepMs`. */
function hiddenLimits({ requests, perMs, burst }: BucketRule, stepMs: number): fc.Arbitrary<readonly HiddenLimit[]> {
  const parts = fc.record({
    rate: fc.double({ min: 0.3, max: 1, noNaN: true }),
    burst: fc.double({ min: 0.5, max: 1, noNaN: true }),
  });
  return fc.array(parts, { minLength: 4, maxLength: 4 }).map((steps) =>
    steps.map((part, index) => ({
      fromMs: index * stepMs,
      perSecond: (part.rate * requests * SECOND_MS) / perMs,
      burst: Math.max(1, Math.round(part.burst * burst)),
    })),
  );
}

describe.each([
  // Limits of Wildberries, which says what is left, and of Ozon, which does not.
  ['300 a minute', 'told', { requests: 300, perMs: MINUTE_MS, burst: 20 }, 8 * MINUTE_MS],
  ['100 a minute', 'told', { requests: 100, perMs: MINUTE_MS, burst: 5 }, 15 * MINUTE_MS],
  ['3 a second', 'told', { requests: 3, perMs: SECOND_MS, burst: 6 }, 8 * MINUTE_MS],
  ['3 a minute', 'told', { requests: 3, perMs: MINUTE_MS, burst: 3 }, 120 * MINUTE_MS],
  ['one a minute', 'told', { requests: 1, perMs: MINUTE_MS, burst: 1 }, 300 * MINUTE_MS],
  ['50 a second', 'silent', { requests: 50, perMs: SECOND_MS, burst: 50, parkMs: 300 }, 4 * MINUTE_MS],
] as const)('%s, %s', (_name, headers, fields, stepMs) => {
  const rule = ruleOf(fields);

  test('less than 1 % is refused, more than 90 % is used', async () => {
    await fc.assert(
      fc.asyncProperty(hiddenLimits(rule, stepMs), fc.nat(), async (hidden, seed) => {
        const { sent, refused, used } = await workAsCrowd({
          rule,
          hidden,
          syncs: 50,
          durationMs: 4 * stepMs,
          headers,
          seed,
        });
        expect(refused / sent, 'refused').toBeLessThan(0.01);
        expect(used, 'used').toBeGreaterThan(0.9);
      }),
      { endOnFailure: true, numRuns: Number(process.env['TIDEMARK_PROPERTY_RUNS'] ?? 2) },
    );
  }, 120_000);
});
