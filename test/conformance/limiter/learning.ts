// Conformance: what answers teach a bucket.

import { expect, test } from 'vitest';
import { DEFAULT_PARK_MS } from '../../../src/limits/governor.ts';
import { ruleOf, TurnedClock, type LimiterHarness } from './harness.ts';

export function learningConformance(harness: () => LimiterHarness): void {
  test('a 429 parks the bucket for as long as the platform says', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const bucket = { rule: ruleOf({ burst: 10 }), key: 'a' };
    await governor.learn({ ...bucket, outcome: 'rate_limited', retryAfterMs: 7_000 });
    expect(await governor.take([bucket], 'interactive')).toEqual({ granted: false, waitMs: 7_000, reason: 'parked' });
    clock.advance(7_000);
    expect((await governor.take([bucket], 'interactive')).granted).toBe(true);
  });

  test('a 429 without a word about time parks for the default', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const bucket = { rule: ruleOf(), key: 'a' };
    await governor.learn({ ...bucket, outcome: 'rate_limited' });
    expect(await governor.take([bucket], 'interactive')).toMatchObject({ waitMs: DEFAULT_PARK_MS, reason: 'parked' });
  });

  test('parking only ever lengthens', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const bucket = { rule: ruleOf(), key: 'a' };
    await governor.park(bucket, new Date(clock.ms + 9_000));
    await governor.park(bucket, new Date(clock.ms + 2_000));
    await governor.learn({ ...bucket, outcome: 'rate_limited', retryAfterMs: 3_000 });
    expect(await governor.take([bucket], 'interactive')).toMatchObject({ waitMs: 9_000, reason: 'parked' });
  });

  test('a refusal slows the rate a little, once, however many requests were refused with it', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const bucket = { rule: ruleOf(), key: 'a' };
    for (let n = 0; n < 20; n++) await governor.learn({ ...bucket, outcome: 'rate_limited', retryAfterMs: 1_000 });
    clock.advance(1_000);
    expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
    // A request each second, slowed down to 93 % of that.
    expect(await governor.take([bucket], 'incremental')).toMatchObject({ waitMs: 1_076, reason: 'rate' });
  });

  test('another refusal soon after slows it down much more', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const bucket = { rule: ruleOf(), key: 'a' };
    for (let n = 0; n < 2; n++) {
      await governor.learn({ ...bucket, outcome: 'rate_limited', retryAfterMs: 1_000 });
      clock.advance(1_000);
    }
    expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
    expect(await governor.take([bucket], 'incremental')).toMatchObject({ waitMs: 1_537, reason: 'rate' });
  });

  test('after a refusal one request leaves, not a burst', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const bucket = { rule: ruleOf({ burst: 10 }), key: 'a' };
    await governor.learn({ ...bucket, outcome: 'rate_limited', retryAfterMs: 5_000 });
    clock.advance(5_000);
    expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
    expect(await governor.take([bucket], 'incremental')).toMatchObject({ granted: false, reason: 'rate' });
  });

  test('a rule says how long a refusal without a word about time stops it', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const bucket = { rule: ruleOf({ parkMs: 300 }), key: 'a' };
    await governor.learn({ ...bucket, outcome: 'rate_limited' });
    expect(await governor.take([bucket], 'interactive')).toMatchObject({ waitMs: 300, reason: 'parked' });
  });

  test('an empty bucket that says when it is full tells its rate, and when the next request may leave', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    // The documents say one a second; the platform means one in twenty.
    const bucket = { rule: ruleOf({ burst: 3 }), key: 'a' };
    for (let n = 0; n < 2; n++) {
      expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
      await governor.learn({ ...bucket, outcome: 'ok', remaining: 0, limit: 3, fullInMs: 60_000 });
      expect(await governor.take([bucket], 'incremental')).toMatchObject({ waitMs: 20_000, reason: 'parked' });
      clock.advance(20_000);
    }
    // And back: one a second again.
    await governor.learn({ ...bucket, outcome: 'ok', remaining: 0, limit: 30, fullInMs: 30_000 });
    clock.advance(60_000);
    for (let n = 0; n < 3; n++) expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
    expect(await governor.take([bucket], 'incremental')).toMatchObject({ waitMs: 1_000, reason: 'rate' });
  });

  test('a bucket that fills within seconds tells what its rate is at most', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    // The documents say ten a second. Whole seconds say that nine come back in more than six: 1.5 a second at most.
    const bucket = { rule: ruleOf({ requests: 10, perMs: 1_000 }), key: 'a' };
    expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
    await governor.learn({ ...bucket, outcome: 'ok', remaining: 1, limit: 10, fullInMs: 7_000 });
    clock.advance(10_000);
    expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
    expect(await governor.take([bucket], 'incremental')).toMatchObject({ waitMs: 667, reason: 'rate' });
  });

  test('a bucket that runs low is slowed down before it refuses', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const bucket = { rule: ruleOf(), key: 'a' };
    expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
    for (let n = 0; n < 50; n++) await governor.learn({ ...bucket, outcome: 'ok', remaining: 2, limit: 20 });
    clock.advance(10_000);
    expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
    // 0.985 to the fiftieth of the rate.
    expect(await governor.take([bucket], 'incremental')).toMatchObject({ waitMs: 2_130, reason: 'rate' });
    for (let n = 0; n < 150; n++) await governor.learn({ ...bucket, outcome: 'ok', remaining: 15, limit: 20 });
    clock.advance(10_000);
    expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
    expect(await governor.take([bucket], 'incremental')).toMatchObject({ waitMs: 1_000, reason: 'rate' });
  });

  test('answers bring the rate back, never above the rule', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const bucket = { rule: ruleOf(), key: 'a' };
    await governor.learn({ ...bucket, outcome: 'rate_limited', retryAfterMs: 1_000 });
    clock.advance(1_000);
    for (let n = 0; n < 300; n++) await governor.learn({ ...bucket, outcome: 'ok' });
    expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
    expect(await governor.take([bucket], 'incremental')).toMatchObject({ waitMs: 1_000, reason: 'rate' });
  });

  test('what the platform says is left is believed when it is less', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const bucket = { rule: ruleOf({ burst: 10 }), key: 'a' };
    expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
    await governor.learn({ ...bucket, outcome: 'ok', remaining: 1 });
    expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
    expect(await governor.take([bucket], 'incremental')).toMatchObject({ waitMs: 1_000, reason: 'rate' });
    await governor.learn({ ...bucket, outcome: 'ok', remaining: 10 });
    expect(await governor.take([bucket], 'incremental')).toMatchObject({ waitMs: 1_000, reason: 'rate' });
  });

  test('nothing left with a time parks the bucket until then', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const bucket = { rule: ruleOf({ burst: 10 }), key: 'a' };
    expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
    await governor.learn({ ...bucket, outcome: 'ok', remaining: 0, retryAfterMs: 90_000 });
    expect(await governor.take([bucket], 'incremental')).toMatchObject({ waitMs: 90_000, reason: 'parked' });
  });

  test('failures in a row open the breaker of that key only; one probe closes it', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const rule = ruleOf({ burst: 100, breaker: { failures: 3, openMs: 10_000 } });
    const sick = { rule, key: 'sick' };
    const well = { rule, key: 'well' };
    for (let n = 0; n < 3; n++) {
      expect((await governor.take([sick], 'incremental')).granted).toBe(true);
      await governor.learn({ ...sick, outcome: 'failed' });
    }
    expect(await governor.take([sick], 'incremental')).toEqual({ granted: false, waitMs: 10_000, reason: 'breaker' });
    expect((await governor.take([well], 'incremental')).granted).toBe(true);
    clock.advance(10_000);
    expect((await governor.take([sick], 'incremental')).granted).toBe(true);
    expect(await governor.take([sick], 'incremental')).toMatchObject({ granted: false, reason: 'breaker' });
    await governor.learn({ ...sick, outcome: 'ok' });
    expect((await governor.take([sick], 'incremental')).granted).toBe(true);
  });

  test('a failed probe doubles the wait; late failures of the first wave do not', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const bucket = { rule: ruleOf({ burst: 100, breaker: { failures: 2, openMs: 10_000 } }), key: 'a' };
    for (let n = 0; n < 8; n++) await governor.take([bucket], 'incremental');
    for (let n = 0; n < 8; n++) await governor.learn({ ...bucket, outcome: 'failed' });
    expect(await governor.take([bucket], 'incremental')).toMatchObject({ waitMs: 10_000, reason: 'breaker' });
    clock.advance(10_000);
    expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
    await governor.learn({ ...bucket, outcome: 'failed' });
    expect(await governor.take([bucket], 'incremental')).toMatchObject({ waitMs: 20_000, reason: 'breaker' });
  });

  test('failures of a rule without a breaker are not counted', async () => {
    const clock = new TurnedClock();
    const governor = harness().governor(clock.now);
    const bucket = { rule: ruleOf({ burst: 100 }), key: 'a' };
    for (let n = 0; n < 20; n++) {
      expect((await governor.take([bucket], 'incremental')).granted).toBe(true);
      await governor.learn({ ...bucket, outcome: 'failed' });
    }
  });
}
