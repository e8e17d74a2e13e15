// What an answer's headers say about the platform's limits. Platforms disagree about units, so this is the one place
// that knows: `Retry-After` in seconds or as a date (RFC 9110), Wildberries' `X-Ratelimit-Retry` in seconds and
// `-Reset` in seconds until the bucket is full (API documentation, 2026-08-18), GitHub's `-Reset` in seconds since 1970. Meta's
// headers of usage, in percent and minutes: `usage-headers.ts`.

import { DAY_MS, SECOND_MS } from '../core/duration.ts';
import { readUsages, type Usage } from './usage-headers.ts';

export interface RateHints {
  /** How long to stay away, as the platform asks in so many words; milliseconds, 1 s to 1 day. */
  readonly retryAfterMs?: number;
  /** How long until the platform's window ends or its bucket is full, in milliseconds, 1 s to 1 day. */
  readonly resetMs?: number;
  /** The reset is given as an instant: then nothing comes back before it. Otherwise the bucket refills all the time. */
  readonly isWindow?: boolean;
  /** Requests left. */
  readonly remaining?: number;
  /** Requests of a full bucket or window. */
  readonly limit?: number;
  /** How much of its budgets a platform says is used; absent: it does not say. */
  readonly usages?: readonly Usage[];
}

/** Seconds above this are an instant, not a length: 2001-09-09. */
const EPOCH_SECONDS = 1e9;

export function readRateHints(headers: Readonly<Record<string, string>>, now: Date): RateHints {
  const remaining = numberOf(headers['x-ratelimit-remaining']);
  const limit = numberOf(headers['x-ratelimit-limit']);
  const usages = readUsages(headers);
  const retryAfter =
    secondsOrDate(headers['retry-after'], now) ??
    secondsOrDate(headers['x-ratelimit-retry'], now) ??
    longest(usages.map(({ regainMs }) => regainMs));
  const reset = secondsOrDate(headers['x-ratelimit-reset'], now);
  return {
    ...(retryAfter === undefined ? {} : { retryAfterMs: bounded(retryAfter) }),
    ...(reset === undefined ? {} : { resetMs: bounded(reset) }),
    ...(reset === undefined ? {} : { isWindow: (numberOf(headers['x-ratelimit-reset']) ?? Infinity) > EPOCH_SECONDS }),
    ...(remaining === undefined ? {} : { remaining }),
    ...(limit === undefined ? {} : { limit }),
    ...(usages.length === 0 ? {} : { usages }),
  };
}

function longest(waits: readonly number[]): number | undefined {
  const ms = Math.max(0, ...waits);
  return ms === 0 ? undefined : ms;
}

function bounded(ms: number): number {
  return Math.min(DAY_MS, Math.max(SECOND_MS, Math.ceil(ms)));
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*\d+(?:\.\d+)?\s*$/.test(text)) return undefined;
  return Number(text);
}

function secondsOrDate(text: string | undefined, now: Date): number | undefined {
  const seconds = numberOf(text);
  if (seconds !== undefined) return seconds * SECOND_MS - (seconds > EPOCH_SECONDS ? now.getTime() : 0);
  // Only what has letters is a date: `Date.parse` makes an instant of almost any digits.
  const instant = text !== undefined && /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(instant) ? undefined : instant - now.getTime();
}
