// The generic cell rate algorithm as arithmetic. A bucket remembers one number, the theoretical arrival time (TAT): the
// instant at which it would be full again. `bucket-sql.ts` computes the same, and a property test holds them together.
//
// The bound that a rule gives, for charges no larger than the burst: in ANY window of W milliseconds, half-open or
// closed, at most floor(burst + W x requests / perMs) requests are granted. Proof: with T = perMs / requests, n grants
// from t1 to tn <= t1 + W each move TAT by at least T (a lowered rate moves it further), so before the last one
// TAT >= t1 + (n - 1) T; it was granted, so TAT <= tn + (burst - 1) T; together n <= burst + W / T. What the platform
// sees may be squeezed by the spread d of the network's delay: read W + d. So a platform's "never above N in any
// perMs" is met by burst + requests <= N, with a margin for d: N = 300 a minute becomes 240 a minute with burst 50.

import { SECOND_MS } from '../core/duration.ts';
import type { WorkClass } from '../core/work-class.ts';
import type { BucketRule } from './governor.ts';

/** Milliseconds between two requests at the sustained rate. */
export function intervalMs(rule: BucketRule): number {
  return rule.perMs / rule.requests;
}

/** Largest number of requests that this rule lets through in any window of `windowMs`. */
export function maxInWindow(rule: BucketRule, windowMs: number): number {
  return Math.floor(rule.burst + (windowMs * rule.requests) / rule.perMs);
}

/** The part of burst and day budget that work of this class may use, 0 to 1. */
function share(rule: BucketRule, workClass: WorkClass): number {
  return workClass === 'interactive' ? 1 : 1 - (rule.interactiveReserve ?? 0);
}

/**
 * How far ahead of now TAT may be for a charge to pass, in milliseconds. Never negative: a charge larger than the burst
 * (or than what the reserve leaves of it) passes when the bucket is full, and leaves it in debt.
 */
export function slackMs(rule: BucketRule, cost: number, workClass: WorkClass): number {
  return Math.max(0, rule.burst * share(rule, workClass) - cost) * intervalMs(rule);
}

/** Requests per UTC day open to this class; null without a day budget. */
export function dayLimit(rule: BucketRule, workClass: WorkClass): number | null {
  return rule.perDay === undefined ? null : Math.floor(rule.perDay * share(rule, workClass));
}

/** TAT after a charge. `rateFactor` in (0, 1] slows the rate down without touching the tolerance. */
export function chargedTat(args: { tatMs: number; nowMs: number; costMs: number; rateFactor: number }): number {
  return Math.max(args.tatMs, args.nowMs) + args.costMs / args.rateFactor;
}

/**
 * TAT after the true cost became known. What was too little is charged at the rate of now; what was too much is given
 * back at the full rate, so that never more comes back than was taken.
 */
export function settledTat(args: { tatMs: number; nowMs: number; extraMs: number; rateFactor: number }): number {
  return args.extraMs > 0 ? chargedTat({ ...args, costMs: args.extraMs }) : args.tatMs + args.extraMs;
}

/** How far TAT is ahead of now in a bucket of which the platform says that `remaining` requests are left. */
export function aheadForRemaining(rule: BucketRule, remaining: number): number {
  return Math.max(0, rule.burst - remaining) * intervalMs(rule);
}

/**
 * How much later than ours the platform's TAT must be to be believed, in milliseconds. `remaining` is rounded down and as
 * old as its journey; taken literally, it would cost a little quota with every answer.
 */
export function toleranceMs(rule: BucketRule): number {
  return Math.max(intervalMs(rule) / 4, SECOND_MS);
}

/** TAT of a bucket of which the platform says that nothing is left before `untilMs`: then one request is. */
export function emptyTat(rule: BucketRule, tatMs: number, untilMs: number): number {
  return Math.max(tatMs, untilMs + (rule.burst - 1) * intervalMs(rule));
}

/** TAT after the platform told its own. */
export function toldTat(args: { tatMs: number; nowMs: number; aheadMs: number; toleranceMs: number }): number {
  const toldMs = args.nowMs + args.aheadMs;
  return args.tatMs < toldMs - args.toleranceMs ? toldMs : args.tatMs;
}
