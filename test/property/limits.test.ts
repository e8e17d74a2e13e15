// Properties of the quota arithmetic, and that Postgres and the arithmetic never disagree.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WORK_CLASSES, type WorkClass } from '../../src/core/work-class.ts';
import { correctedFactor, correctionOf, decreasedFactor, FLOOR } from '../../src/limits/aimd.ts';
import { intervalMs, maxInWindow } from '../../src/limits/gcra.ts';
import type { BucketCharge, BucketRule, Governor, Lesson } from '../../src/limits/governor.ts';
import { createMemoryGovernor } from '../../src/limits/memory-governor.ts';
import { createPostgresGovernor } from '../../src/limits/postgres-governor.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import { fullestWindow, grantsOf, ruleOf, TurnedClock } from '../conformance/limiter/harness.ts';
import { createTestDatabase } from '../support/postgres.ts';

const postgres = await createTestDatabase();
const database = postgres.open('tidemark_worker', 2);

const rules = fc.record({
  requests: fc.integer({ min: 1, max: 600 }),
  perMs: fc.constantFrom(1_000, 6_000, 10_000, 60_000),
  burst: fc.integer({ min: 1, max: 40 }),
});

test('any window of a crowd holds at most burst and rate, and 90 % of the rate is used', async () => {
  await fc.assert(
    fc.asyncProperty(rules, fc.integer({ min: 1, max: 20 }), async (limit, takers) => {
      // Waits are whole milliseconds, so an interval of a few of them loses more than a tenth to rounding.
      fc.pre(limit.perMs / limit.requests >= 10);
      const clock = new TurnedClock();
      const rule = ruleOf(limit);
      const governors = [createMemoryGovernor({ clock })];
      const durationMs = Math.min(10 * rule.perMs, 1_000 * intervalMs(rule));
      const grants = await grantsOf({ governors, clock, rule, takers, durationMs });
      for (const windowMs of [rule.perMs, rule.perMs / 7, intervalMs(rule)]) {
        expect(fullestWindow(grants, windowMs)).toBeLessThanOrEqual(maxInWindow(rule, windowMs));
      }
      expect(grants.length).toBeGreaterThanOrEqual(Math.floor((0.9 * durationMs) / intervalMs(rule)));
    }),
    { numRuns: 100 },
  );
});

test('refusals and recoveries never let a window exceed the rule', async () => {
  const step = fc.record({ waitMs: fc.integer({ min: 0, max: 3_000 }), refused: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(rules, fc.array(step, { minLength: 20, maxLength: 200 }), async (limit, steps) => {
      const clock = new TurnedClock();
      const rule = ruleOf(limit);
      const governor = createMemoryGovernor({ clock });
      const grants: number[] = [];
      for (const { waitMs, refused } of steps) {
        clock.advance(waitMs);
        const grant = await governor.take([{ rule, key: 'a' }], 'incremental');
        if (grant.granted) grants.push(clock.ms);
        if (!grant.granted) clock.advance(grant.waitMs);
        await governor.learn({ rule, key: 'a', outcome: refused ? 'rate_limited' : 'ok', retryAfterMs: 1_000 });
      }
      expect(fullestWindow(grants, rule.perMs)).toBeLessThanOrEqual(maxInWindow(rule, rule.perMs));
    }),
  );
});

const answers = fc.record(
  {
    remaining: fc.integer({ min: 0, max: 40 }),
    limit: fc.integer({ min: 0, max: 40 }),
    fullInMs: fc.integer({ min: 1_000, max: 20_000_000 }),
    requests: fc.nat(),
  },
  { requiredKeys: [] },
);
const refusals = fc.record({ sinceMs: fc.constantFrom(null, -1, 0, 5_000, 1_000_000) });

test('the rate factor stays between its floor and one', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(answers, refusals), { maxLength: 500 }), (events) => {
      let factor = 1;
      for (const event of events) {
        factor =
          'sinceMs' in event
            ? decreasedFactor(factor, event.sinceMs, 200)
            : correctedFactor(factor, correctionOf(200, event), event.requests ?? 0);
        expect(factor).toBeGreaterThanOrEqual(FLOOR);
        expect(factor).toBeLessThanOrEqual(1);
      }
    }),
  );
});

type Operation = (governor: Governor, clock: TurnedClock) => Promise<unknown>;

const KEYS = ['a', 'b'] as const;

/** Two rules with everything a rule can have. */
function rulesOfCase(): readonly [BucketRule, BucketRule] {
  return [
    ruleOf({ requests: 7, perMs: 1_000, burst: 5, interactiveReserve: 0.3, breaker: { failures: 2, openMs: 1_500 } }),
    ruleOf({ requests: 285, perMs: 60_000, burst: 3, perDay: 25 }),
  ];
}

interface Step {
  readonly kind: 'take' | 'settle' | 'learn' | 'park';
  readonly advanceMs: number;
  readonly charges: readonly { readonly rule: 0 | 1; readonly key: 'a' | 'b'; readonly cost: number }[];
  readonly workClass: WorkClass;
  readonly outcome: Lesson['outcome'];
  readonly amount: number;
}

const steps: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('take', 'take', 'take', 'settle', 'learn', 'learn', 'park'),
  advanceMs: fc.oneof(
    fc.integer({ min: 0, max: 400 }),
    fc.integer({ min: 0, max: 40_000 }),
    fc.constant(40 * 3_600_000),
  ),
  charges: fc.array(
    fc.record({ rule: fc.constantFrom(0, 1), key: fc.constantFrom(...KEYS), cost: fc.integer({ min: 1, max: 6 }) }),
    { minLength: 1, maxLength: 3 },
  ),
  workClass: fc.constantFrom(...WORK_CLASSES),
  outcome: fc.constantFrom('ok', 'rate_limited', 'failed'),
  amount: fc.integer({ min: 0, max: 12 }),
});

function operationOf(step: Step, ruleSet: readonly [BucketRule, BucketRule]): Operation {
  const charges: BucketCharge[] = step.charges.map(({ rule, key, cost }) => ({ rule: ruleSet[rule], key, cost }));
  const first = charges[0]!;
  const lesson: Lesson = {
    rule: first.rule,
    key: first.key,
    outcome: step.outcome,
    ...(step.amount % 2 === 0 ? { retryAfterMs: step.amount * 100 } : {}),
    ...(step.amount % 3 === 0 ? { remaining: step.amount / 3 } : {}),
    ...(step.amount > 5 ? { limit: step.amount - 2, fullInMs: step.amount * 4_000 } : {}),
  };
  switch (step.kind) {
    case 'take':
      return (governor) => governor.take(charges, step.workClass);
    case 'settle':
      return (governor) => governor.settle(first, step.amount);
    case 'learn':
      return (governor) => governor.learn(lesson);
    case 'park':
      return (governor, clock) => governor.park(first, new Date(clock.ms + step.amount * 100));
  }
}

test('Postgres answers every sequence of operations exactly like the arithmetic', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 10, maxLength: 60 }), async (sequence) => {
      const clock = new TurnedClock();
      const ruleSet = rulesOfCase();
      const governors = [
        createMemoryGovernor({ clock }),
        createPostgresGovernor({ database, log: silentLog, now: clock.now }),
      ] as const;
      for (const governor of governors) {
        // A bucket is known before anything is learned about it.
        const all = ruleSet.flatMap((rule) => KEYS.map((key) => ({ rule, key })));
        await governor.take(all, 'incremental');
      }
      for (const step of sequence) {
        clock.advance(step.advanceMs);
        const operation = operationOf(step, ruleSet);
        const [expected, got] = [await operation(governors[0], clock), await operation(governors[1], clock)];
        expect(got).toEqual(expected);
      }
    }),
    { numRuns: 60 },
  );
}, 120_000);
