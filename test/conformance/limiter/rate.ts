// Conformance: how much is granted, and how long one is told to wait.

import { expect, test } from 'vitest';
import { maxInWindow } from '../../../src/limits/gcra.ts';
import { fullestWindow, grantsOf, ruleOf, TurnedClock, type LimiterHarness } from './harness.ts';

export function rateConformance(harness: () => LimiterHarness): void {
  test('a rested bucket grants its burst at once and then one request per interval', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const charges = [{ rule: ruleOf({ burst: 3 }), key: 'a' }];
    for (let n = 0; n < 3; n++) expect((await governor.take(charges, 'incremental')).granted).toBe(true);
    expect(await governor.take(charges, 'incremental')).toEqual({ granted: false, waitMs: 1_000, reason: 'rate' });
    clock.advance(1_000);
    expect((await governor.take(charges, 'incremental')).granted).toBe(true);
    expect((await governor.take(charges, 'incremental')).granted).toBe(false);
  });

  test('keys of one rule do not share a bucket', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const rule = ruleOf();
    expect((await governor.take([{ rule, key: 'a' }], 'incremental')).granted).toBe(true);
    expect((await governor.take([{ rule, key: 'b' }], 'incremental')).granted).toBe(true);
    expect((await governor.take([{ rule, key: 'a' }], 'incremental')).granted).toBe(false);
  });

  test('workers share a bucket', async () => {
    const clock = new TurnedClock();
    const charges = [{ rule: ruleOf(), key: 'a' }];
    expect((await harness().governor(clock.now).take(charges, 'incremental')).granted).toBe(true);
    expect((await harness().governor(clock.now).take(charges, 'incremental')).granted).toBe(false);
  });

  test('several buckets are charged all or none, and the longest wait is told', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const slow = { rule: ruleOf({ requests: 1 }), key: 'a' };
    const fast = { rule: ruleOf({ burst: 2 }), key: 'a' };
    expect((await governor.take([fast, slow], 'incremental')).granted).toBe(true);
    expect(await governor.take([fast, slow], 'incremental')).toMatchObject({ granted: false, waitMs: 60_000 });
    // The refused request left the fast bucket as it was: one more is in it, and no more than one.
    expect((await governor.take([fast], 'incremental')).granted).toBe(true);
    expect((await governor.take([fast], 'incremental')).granted).toBe(false);
  });

  test('a bucket named twice in one request is charged for both', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const charge = { rule: ruleOf({ burst: 2 }), key: 'a' };
    expect((await governor.take([charge, charge], 'incremental')).granted).toBe(true);
    expect(await governor.take([charge], 'incremental')).toMatchObject({ waitMs: 1_000 });
  });

  test('no charges are always granted', async () => {
    expect((await harness().governor().take([], 'backfill')).granted).toBe(true);
  });

  test('a charge larger than the burst passes a full bucket and leaves it in debt', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const rule = ruleOf({ burst: 2 });
    expect((await governor.take([{ rule, key: 'a', cost: 5 }], 'incremental')).granted).toBe(true);
    expect(await governor.take([{ rule, key: 'a' }], 'incremental')).toMatchObject({ waitMs: 4_000 });
  });

  test('the reserve is kept for interactive work', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const charges = [{ rule: ruleOf({ burst: 10, interactiveReserve: 0.2 }), key: 'a' }];
    for (let n = 0; n < 8; n++) expect((await governor.take(charges, 'incremental')).granted).toBe(true);
    expect((await governor.take(charges, 'incremental')).granted).toBe(false);
    expect((await governor.take(charges, 'backfill')).granted).toBe(false);
    for (let n = 0; n < 2; n++) expect((await governor.take(charges, 'interactive')).granted).toBe(true);
    expect((await governor.take(charges, 'interactive')).granted).toBe(false);
  });

  test('the day budget ends at midnight UTC and leaves the reserve to interactive work', async () => {
    const clock = new TurnedClock('2026-03-10T23:59:00Z');
    const governor = harness().governor(clock.now);
    const charges = [{ rule: ruleOf({ burst: 100, perDay: 10, interactiveReserve: 0.2 }), key: 'a' }];
    for (let n = 0; n < 8; n++) expect((await governor.take(charges, 'incremental')).granted).toBe(true);
    expect(await governor.take(charges, 'incremental')).toEqual({ granted: false, waitMs: 60_000, reason: 'day' });
    for (let n = 0; n < 2; n++) expect((await governor.take(charges, 'interactive')).granted).toBe(true);
    expect(await governor.take(charges, 'interactive')).toMatchObject({ reason: 'day' });
    clock.advance(60_000);
    expect((await governor.take(charges, 'incremental')).granted).toBe(true);
  });

  test('a true cost below the charge is given back, above it is charged', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const charge = { rule: ruleOf({ burst: 10, perDay: 12 }), key: 'a', cost: 10 };
    expect((await governor.take([charge], 'incremental')).granted).toBe(true);
    await governor.settle(charge, 4);
    expect((await governor.take([{ ...charge, cost: 6 }], 'incremental')).granted).toBe(true);
    await governor.settle({ ...charge, cost: 6 }, 8);
    expect(await governor.take([{ ...charge, cost: 1 }], 'incremental')).toMatchObject({ reason: 'day' });
  });

  test.each([
    { requests: 285, perMs: 60_000, burst: 10, most: 300, takers: 3 },
    { requests: 100, perMs: 6_000, burst: 5, most: 105, takers: 20 },
    { requests: 3, perMs: 60_000, burst: 1, most: 4, takers: 20 },
  ])(
    '$takers takers: never above $most in any $perMs ms, at least 90 % used ($requests, burst $burst)',
    async (limit) => {
      const clock = new TurnedClock();
      const governors = Array.from({ length: 4 }, () => harness().governor(clock.now));
      const rule = ruleOf(limit);
      const durationMs = 1.5 * limit.perMs;
      const grants = await grantsOf({ governors, clock, rule, takers: limit.takers, durationMs });
      expect(fullestWindow(grants, limit.perMs)).toBeLessThanOrEqual(maxInWindow(rule, limit.perMs));
      expect(fullestWindow(grants, limit.perMs)).toBeLessThanOrEqual(limit.most);
      expect(grants.length).toBeGreaterThanOrEqual(0.9 * limit.requests * 1.5);
    },
  );
}
