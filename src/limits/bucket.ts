// One bucket as a value, and what each event makes of it. Pure: the memory governor runs on it, and `bucket-sql.ts` says
// the same to Postgres. Instants are milliseconds since 1970.

import { DAY_MS } from '../core/duration.ts';
import type { WorkClass } from '../core/work-class.ts';
import { correctedFactor, correctionOf, decreasedFactor, type Correction } from './aimd.ts';
import { afterFailure, afterGrant, CLOSED, type BreakerState } from './breaker.ts';
import {
  aheadForRemaining,
  chargedTat,
  dayLimit,
  emptyTat,
  intervalMs,
  settledTat,
  slackMs,
  toldTat,
  toleranceMs,
} from './gcra.ts';
import { DEFAULT_PARK_MS, type BucketCharge, type BucketRule, type Grant, type Lesson } from './governor.ts';

export interface Bucket extends BreakerState {
  readonly tatMs: number;
  readonly rateFactor: number;
  readonly parkedUntilMs: number | null;
  /** UTC day that `dayUsed` counts, in days since 1970. */
  readonly day: number;
  readonly dayUsed: number;
}

export const FULL_BUCKET: Bucket = {
  ...CLOSED,
  tatMs: 0,
  rateFactor: 1,
  parkedUntilMs: null,
  day: 0,
  dayUsed: 0,
};

/** A charge with its whole cost; no two of one request name the same bucket. */
export type Demand = Required<BucketCharge>;

type WaitReason = Extract<Grant, { granted: false }>['reason'];

export interface Wait {
  readonly waitMs: number;
  readonly reason: WaitReason;
}

/** Charges of one request, those of the same bucket added up, in the order in which rows are locked. */
export function toDemands(charges: readonly BucketCharge[]): Demand[] {
  const byBucket = new Map<string, Demand>();
  for (const { rule, key, cost = 1 } of charges) {
    const name = bucketName(rule, key);
    byBucket.set(name, { rule, key, cost: cost + (byBucket.get(name)?.cost ?? 0) });
  }
  return [...byBucket.values()];
}

export function bucketName(rule: BucketRule, key: string): string {
  return `${rule.id}\n${key}`;
}

function dayOf(nowMs: number): number {
  return Math.floor(nowMs / DAY_MS);
}

function usedToday(bucket: Bucket, nowMs: number): number {
  return bucket.day === dayOf(nowMs) ? bucket.dayUsed : 0;
}

/** Every reason to wait, with the milliseconds left; zero or less means that this reason does not apply. */
export function waitsOf(bucket: Bucket, demand: Demand, workClass: WorkClass, nowMs: number): Wait[] {
  const limit = dayLimit(demand.rule, workClass);
  const isDaySpent = limit !== null && usedToday(bucket, nowMs) + demand.cost > limit;
  return [
    { reason: 'breaker', waitMs: (bucket.breakerUntilMs ?? nowMs) - nowMs },
    { reason: 'day', waitMs: isDaySpent ? (dayOf(nowMs) + 1) * DAY_MS - nowMs : 0 },
    { reason: 'parked', waitMs: (bucket.parkedUntilMs ?? nowMs) - nowMs },
    { reason: 'rate', waitMs: bucket.tatMs - slackMs(demand.rule, demand.cost, workClass) - nowMs },
  ];
}

/** The answer to a request from the waits of all its buckets: the longest decides, ties by the reason's name. */
export function grantOf(waits: readonly Wait[]): Grant {
  const longest = waits.toSorted((a, b) => b.waitMs - a.waitMs || (a.reason < b.reason ? -1 : 1))[0];
  if (longest === undefined || longest.waitMs <= 0) return { granted: true, waitMs: 0 };
  return { granted: false, waitMs: Math.ceil(longest.waitMs), reason: longest.reason };
}

export function charged(bucket: Bucket, { rule, cost }: Demand, nowMs: number): Bucket {
  const { tatMs, rateFactor } = bucket;
  return {
    ...bucket,
    ...afterGrant(bucket, nowMs),
    tatMs: chargedTat({ tatMs, nowMs, costMs: cost * intervalMs(rule), rateFactor }),
    day: dayOf(nowMs),
    dayUsed: usedToday(bucket, nowMs) + cost,
  };
}

/** `extra` is actual cost minus charged cost, in requests; negative gives back. */
export function settled(bucket: Bucket, rule: BucketRule, extra: number, nowMs: number): Bucket {
  const { tatMs, rateFactor } = bucket;
  return {
    ...bucket,
    tatMs: settledTat({ tatMs, nowMs, extraMs: extra * intervalMs(rule), rateFactor }),
    day: dayOf(nowMs),
    dayUsed: Math.max(0, usedToday(bucket, nowMs) + extra),
  };
}

export function parked(bucket: Bucket, untilMs: number): Bucket {
  return { ...bucket, parkedUntilMs: Math.max(bucket.parkedUntilMs ?? untilMs, untilMs) };
}

export function learned(bucket: Bucket, lesson: Lesson, nowMs: number): Bucket {
  switch (lesson.outcome) {
    case 'ok':
      return afterOk(bucket, lesson, nowMs);
    case 'rate_limited': {
      const { rule, retryAfterMs = parkMsOf(rule) } = lesson;
      const { tatMs, parkedUntilMs } = bucket;
      const sinceMs = parkedUntilMs === null ? null : nowMs - parkedUntilMs;
      const rateFactor = decreasedFactor(bucket.rateFactor, sinceMs, intervalMs(rule));
      return parked(
        { ...bucket, rateFactor, tatMs: emptyTat(rule, tatMs, nowMs + retryAfterMs) },
        nowMs + retryAfterMs,
      );
    }
    case 'failed':
      return lesson.rule.breaker === undefined
        ? bucket
        : { ...bucket, ...afterFailure(bucket, lesson.rule.breaker, nowMs) };
  }
}

/** How many requests could have left since the bucket was parked last; 0 while it is, or never was. */
function requestsSince({ parkedUntilMs }: Bucket, rule: BucketRule, nowMs: number): number {
  return Math.max(0, nowMs - (parkedUntilMs ?? nowMs)) / intervalMs(rule);
}

function afterOk(bucket: Bucket, lesson: Lesson, nowMs: number): Bucket {
  const { aheadMs, parkMs, correction } = hintsOf(lesson);
  const well: Bucket = {
    ...bucket,
    ...CLOSED,
    rateFactor: correctedFactor(bucket.rateFactor, correction, requestsSince(bucket, lesson.rule, nowMs)),
    tatMs:
      aheadMs === null
        ? bucket.tatMs
        : toldTat({ tatMs: bucket.tatMs, nowMs, aheadMs, toleranceMs: toleranceMs(lesson.rule) }),
  };
  return parkMs === null ? well : parked(well, nowMs + parkMs);
}

/** How long a refusal stops the bucket when the platform does not say, in milliseconds. */
export function parkMsOf({ parkMs = DEFAULT_PARK_MS }: BucketRule): number {
  return parkMs;
}

export interface Hints {
  /** How far TAT is ahead of now. */
  readonly aheadMs: number | null;
  /** How long nothing is left. */
  readonly parkMs: number | null;
  readonly correction: Correction;
}

/** What an answer says about the platform's own bucket. */
export function hintsOf(lesson: Lesson): Hints {
  const { rule, remaining, retryAfterMs, limit, fullInMs } = lesson;
  const aheadMs = remaining === undefined ? 0 : aheadForRemaining(rule, remaining);
  // One request comes back in the time in which all of them do, divided by their number.
  const nextMs = limit === undefined || fullInMs === undefined ? undefined : fullInMs / Math.max(1, limit);
  return {
    aheadMs: aheadMs > 0 ? aheadMs : null,
    parkMs: remaining === 0 ? (retryAfterMs ?? nextMs ?? null) : null,
    correction: correctionOf(intervalMs(rule), lesson),
  };
}
