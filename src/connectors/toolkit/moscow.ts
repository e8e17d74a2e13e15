// Moscow's clock, by which both marketplaces count days: UTC+3 without changes since 2014-10-26, before either of them kept
// anything that can be asked for.

import { HOUR_MS } from '../../core/duration.ts';

const AHEAD_MS = 3 * HOUR_MS;
const LOCAL = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?$/;

/** `2026-08-01T10:19:17` without an offset, or a bare day (its beginning), as an instant; null: it is neither. */
export function moscowToInstant(text: string): Date | null {
  const [, day, time = '00:00:00'] = LOCAL.exec(text) ?? [];
  if (day === undefined) return null;
  const instant = new Date(`${day}T${time}+03:00`);
  return Number.isNaN(instant.getTime()) ? null : instant;
}

/** `2026-08-01T10:19:17`, to the second, as the platforms take it. */
export function instantToMoscow(instant: Date): string {
  return new Date(instant.getTime() + AHEAD_MS).toISOString().slice(0, 19);
}

/** The day in Moscow, `YYYY-MM-DD`. */
export function moscowDay(instant: Date): string {
  return instantToMoscow(instant).slice(0, 10);
}

/** The instant at which a day begins in Moscow. Throws RangeError when `day` is none. */
export function startOfMoscowDay(day: string): Date {
  const instant = moscowToInstant(day);
  if (instant === null) throw new RangeError(`expected a day, got ${day.slice(0, 40)}`);
  return instant;
}

/** `day` and `count` days (or fewer than none) after it. */
export function addDays(day: string, count: number): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + count);
  return at.toISOString().slice(0, 10);
}
