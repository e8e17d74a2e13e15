// Periods of reports. Two spellings of one thing: messages are counted by DAY and MONTH, everything else DAILY and MONTHLY, and
// the wrong one is refused.

import { invalidParameter } from './failure.ts';

export type Period = 'half_hour' | 'day' | 'month';

const HALF_HOUR_S = 1_800;
const DAY_S = 86_400;

/** A report's words, each with the period it means. */
export type Granularities = Readonly<Record<string, Period>>;

export const SHORT_WORDS: Granularities = { HALF_HOUR: 'half_hour', DAY: 'day', MONTH: 'month' };
export const LONG_WORDS: Granularities = { HALF_HOUR: 'half_hour', DAILY: 'day', MONTHLY: 'month' };
export const DAYS_ONLY: Granularities = { DAILY: 'day' };

export interface Range {
  /** Unix seconds, whole periods: from the first to behind the last. */
  readonly start: number;
  readonly end: number;
  readonly period: Period;
  readonly granularity: string;
}

/** Reads `start`, `end` and `granularity`. Throws 100 when one is missing, no whole number, or the other report's word. */
export function rangeOf(modifiers: Readonly<Record<string, string>>, words: Granularities): Range {
  const granularity = (modifiers['granularity'] ?? '').replaceAll(/["']/g, '');
  const period = words[granularity];
  const [start, end] = [secondsIn(modifiers, 'start'), secondsIn(modifiers, 'end')];
  if (period === undefined)
    throw invalidParameter(`Param granularity must be one of {${Object.keys(words).join(', ')}}`);
  if (end <= start) throw invalidParameter('Param end must be after param start');
  const last = floorTo(end, period);
  return { start: floorTo(start, period), end: last === end ? end : nextOf(last, period), period, granularity };
}

/** Start of the period that holds this second. */
export function floorTo(second: number, period: Period): number {
  if (period === 'half_hour') return second - (second % HALF_HOUR_S);
  if (period === 'day') return second - (second % DAY_S);
  const date = new Date(second * 1_000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / 1_000;
}

/** Start of the period after the one that begins at `start`. */
export function nextOf(start: number, period: Period): number {
  if (period === 'half_hour') return start + HALF_HOUR_S;
  if (period === 'day') return start + DAY_S;
  const date = new Date(start * 1_000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / 1_000;
}

function secondsIn(modifiers: Readonly<Record<string, string>>, name: string): number {
  const text = modifiers[name];
  if (text === undefined) throw invalidParameter(`The parameter ${name} is required`);
  if (!/^\d{9,10}$/.test(text)) throw invalidParameter(`Param ${name} must be a UNIX timestamp`);
  return Number(text);
}
