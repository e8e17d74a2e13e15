// What the sustained rate of a bucket becomes after the platform's answers: a factor of the rule's rate, never above it. A
// refusal takes a little of it away, answers and time bring it back slowly, so that a limit that we do not know is found with
// few refusals and mostly used. A platform that says what is left is not driven into refusals at all: its bucket is kept
// between two levels.

import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import type { Lesson } from './governor.ts';

/** What a refusal leaves of the rate. */
export const DECREASE = 0.93;
/** What it leaves when it comes soon after another one: then the limit has fallen far. */
export const HARD_DECREASE = 0.7;
/** Soon: within so many requests at the rule's rate. */
export const SOON_REQUESTS = 50;
/** What each answer gives back, as a part of the rate; twice that after `HASTE_REQUESTS` without a refusal, and so on. */
const INCREASE = 0.0002;
const HASTE_REQUESTS = 300;
/** The most that one answer gives back. */
export const MOST_INCREASE = 0.01;
/** What an answer gives back of a rule by the minute: of those answers are few. */
const INCREASE_PER_MINUTE = 0.02;
/** The rate never falls below this part of the rule. */
export const FLOOR = 0.05;

/** Below this part of a platform's own bucket it is slowed down, above the other one speeded up. */
const LOW_LEVEL = 0.34;
const HIGH_LEVEL = 0.5;
const EASE = 0.985;
const URGE = 0.005;
/** What an answer gives back where the platform tells its rate. */
const TOLD_INCREASE = 0.03;
/** A smaller bucket has no levels. */
const LEVEL_LIMIT = 3;

/** What a platform says of its bucket: how full it is, 0 to 1; null: it does not say, or the bucket is too small to tell. */
function levelOf(remaining: number | undefined, limit: number | undefined): number | null {
  if (remaining === undefined || limit === undefined || limit < LEVEL_LIMIT) return null;
  return Math.min(1, remaining / limit);
}

/**
 * Factor after a 429, `sinceMs` after the end of the last park (negative: parked; null: never was). While the bucket is
 * parked, further refusals are late news of the same event and change nothing.
 */
export function decreasedFactor(factor: number, sinceMs: number | null, intervalMs: number): number {
  if (sinceMs !== null && sinceMs < 0) return factor;
  const isSoon = sinceMs !== null && sinceMs < SOON_REQUESTS * intervalMs;
  return Math.max(FLOOR, factor * (isSoon ? HARD_DECREASE : DECREASE));
}

/**
 * What an answer does to the factor: `factor x (times + haste x requests since the last refusal) + plus`, at most `most`,
 * between floor and one.
 */
export interface Correction {
  readonly times: number;
  readonly haste: number;
  readonly plus: number;
  readonly most: number;
}

const UNCHANGED: Correction = { times: 1, haste: 0, plus: 0, most: Infinity };

/** Whole seconds tell the rate of a bucket that takes this long to fill; of a faster one only what it is at most. */
const TELLING_MS = 10 * SECOND_MS;

type Told = Pick<Lesson, 'remaining' | 'limit' | 'fullInMs'>;

/**
 * The rate that a platform means, in parts of the rule's: it says when its bucket is full again, in seconds rounded up by
 * `roundedMs` on average or at most, and how many requests are left, rounded down. Infinity: it says nothing of it.
 */
function toldFactor(intervalMs: number, { remaining, limit, fullInMs }: Told, roundedMs: number): number {
  if (remaining === undefined || limit === undefined || fullInMs === undefined) return Infinity;
  if (fullInMs <= roundedMs || remaining >= limit) return Infinity;
  return (intervalMs * (limit - remaining)) / (fullInMs - roundedMs);
}

/** After an answer of a bucket whose requests come every `intervalMs`. */
export function correctionOf(intervalMs: number, lesson: Told): Correction {
  const isTelling = (lesson.fullInMs ?? 0) >= TELLING_MS;
  const most = toldFactor(intervalMs, lesson, isTelling ? SECOND_MS / 2 : SECOND_MS);
  // The bucket is empty, so what it can mean is what it means.
  if (isTelling && lesson.remaining === 0 && most !== Infinity) return { ...UNCHANGED, times: 0, plus: most, most };
  // What is left of a bucket that is asked all the time was not asked for: the rate may be higher, up to what is told.
  if (isTelling && most !== Infinity) return { ...UNCHANGED, plus: TOLD_INCREASE, most };
  const level = levelOf(lesson.remaining, lesson.limit);
  if (level === null) {
    const plus = (intervalMs / MINUTE_MS) * INCREASE_PER_MINUTE;
    return { times: 1 + INCREASE, haste: INCREASE / HASTE_REQUESTS, plus, most };
  }
  if (level < LOW_LEVEL) return { ...UNCHANGED, times: EASE, most };
  return { ...UNCHANGED, plus: level > HIGH_LEVEL ? URGE : 0, most };
}

/** `requests`: how many could have left since the last refusal at the rule's rate. */
export function correctedFactor(factor: number, { times, haste, plus, most }: Correction, requests: number): number {
  const grown = factor * Math.min(times + haste * requests, 1 + MOST_INCREASE) + plus;
  return Math.min(1, Math.max(FLOOR, Math.min(grown, most)));
}
