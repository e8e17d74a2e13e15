// Calendar days as Upwork's reports know them: `YYYY-MM-DD` in UTC.

import { DAY_MS } from '../../core/duration.ts';

const DAY_CHARS = 'YYYY-MM-DD'.length;
const MONTH_CHARS = 'YYYY-MM'.length;

/** The year in which the first of the platforms that became Upwork began: nothing is older. */
export const FIRST_DAY = '2003-01-01';

export function dayOf(instant: Date): string {
  return instant.toISOString().slice(0, DAY_CHARS);
}

export function startOf(day: string): Date {
  return new Date(`${day}T00:00:00Z`);
}

export function addDays(day: string, days: number): string {
  return dayOf(new Date(startOf(day).getTime() + days * DAY_MS));
}

/** Days from `from` to `to`, both inclusive. */
export function countDays({ from, to }: DayRange): number {
  return Math.round((startOf(to).getTime() - startOf(from).getTime()) / DAY_MS) + 1;
}

/** Both inclusive. */
export interface DayRange {
  readonly from: string;
  readonly to: string;
}

/** The days of a pass over `[since, until)`; null: from the beginning. */
export function rangeOf(since: Date | null, until: Date): DayRange {
  return { from: since === null ? FIRST_DAY : dayOf(since), to: dayOf(new Date(until.getTime() - 1)) };
}

/** As the time report wants it: days without dashes; any other spelling finds nothing and says nothing. */
export function compactRange({ from, to }: DayRange): { readonly rangeStart: string; readonly rangeEnd: string } {
  return { rangeStart: from.replaceAll('-', ''), rangeEnd: to.replaceAll('-', '') };
}

export function* eachDay({ from, to }: DayRange): Generator<string> {
  for (let day = from; day <= to; day = addDays(day, 1)) yield day;
}

/** Consecutive ranges of at most `days` days. */
export function* slicesOf({ from, to }: DayRange, days: number): Generator<DayRange> {
  for (let start = from; start <= to; start = addDays(start, days)) {
    const end = addDays(start, days - 1);
    yield { from: start, to: end < to ? end : to };
  }
}

/** The parts of a range that lie in one calendar month each. */
function* monthsOf({ from, to }: DayRange): Generator<DayRange> {
  for (let start = from; start <= to;) {
    const next = dayOf(new Date(Date.UTC(Number(start.slice(0, 4)), Number(start.slice(5, MONTH_CHARS)), 1)));
    const end = addDays(next, -1);
    yield { from: start, to: end < to ? end : to };
    start = next;
  }
}

const YEAR_DAYS = 366;
const RECENT_DAYS = 400;

/** Years for what is long past and usually empty, months for the rest. */
export function* yearsThenMonths(range: DayRange): Generator<DayRange> {
  const recent = addDays(range.to, -RECENT_DAYS);
  if (range.from < recent) yield* slicesOf({ from: range.from, to: addDays(recent, -1) }, YEAR_DAYS);
  yield* monthsOf({ from: range.from < recent ? recent : range.from, to: range.to });
}

/** Two halves; null for a single day. */
export function halvesOf(range: DayRange): readonly [DayRange, DayRange] | null {
  const days = countDays(range);
  if (days < 2) return null;
  const middle = addDays(range.from, Math.floor(days / 2));
  return [
    { from: range.from, to: addDays(middle, -1) },
    { from: middle, to: range.to },
  ];
}
