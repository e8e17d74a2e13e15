// Days of a calendar as text, `YYYY-MM-DD`, and stretches of them: what charts are drawn along. A day has no instant here; which
// one it begins at is the zone's business, and the database knows zones.

import { DAY_MS } from './duration.ts';
import { AppError } from './errors.ts';

export type CalendarStep = 'day' | 'week' | 'month';

/** Both inclusive. */
export interface DaySpan {
  readonly from: string;
  readonly to: string;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** Names only: what an offset like `+03:00` means, databases and browsers do not agree on. */
const ZONE = /^[A-Za-z][\w+/-]*$/;

const startOf = (day: string): number => Date.parse(`${day}T00:00:00Z`);
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** True for a day that there is: not the 30th of February. */
export function isDay(text: string): boolean {
  if (!DAY.test(text)) return false;
  const ms = startOf(text);
  return !Number.isNaN(ms) && dayOf(ms) === text;
}

export function addDays(day: string, days: number): string {
  return dayOf(startOf(day) + days * DAY_MS);
}

/** From a first to a last day, both counted. */
export function countDays({ from, to }: DaySpan): number {
  return Math.round((startOf(to) - startOf(from)) / DAY_MS) + 1;
}

/** First of the month that is so many months later, or earlier. */
function addMonths(day: string, months: number): string {
  const date = new Date(startOf(day));
  return dayOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1));
}

/** First day of the week (Monday) or month that `day` lies in. */
export function stepStart(day: string, step: CalendarStep): string {
  switch (step) {
    case 'day':
      return day;
    case 'week':
      return addDays(day, -((new Date(startOf(day)).getUTCDay() + 6) % 7));
    case 'month':
      return addMonths(day, 0);
  }
}

function nextStep(start: string, step: CalendarStep): string {
  if (step === 'month') return addMonths(start, 1);
  return addDays(start, step === 'week' ? 7 : 1);
}

export interface CalendarBucket extends DaySpan {
  /** First day of the whole week or month. */
  readonly start: string;
}

/** Every step that has a day in the span, those at its ends cut to it. */
export function bucketsOf({ from, to }: DaySpan, step: CalendarStep): readonly CalendarBucket[] {
  const buckets: CalendarBucket[] = [];
  for (let start = stepStart(from, step); start <= to;) {
    const next = nextStep(start, step);
    const last = addDays(next, -1);
    buckets.push({ start, from: start < from ? from : start, to: last > to ? to : last });
    start = next;
  }
  return buckets;
}

/**
 * What a span is compared with: as many days right before it; of a span of whole months, by month, as many months.
 */
export function spanBefore({ from, to }: DaySpan, step: CalendarStep): DaySpan {
  const isWhole = step === 'month' && from === addMonths(from, 0) && addDays(to, 1) === addMonths(to, 1);
  if (!isWhole) return { from: addDays(from, -countDays({ from, to })), to: addDays(from, -1) };
  return { from: addMonths(from, -bucketsOf({ from, to }, 'month').length), to: addDays(from, -1) };
}

/** Throws `input.invalid` for what is no name of an IANA zone. */
export function assertTimeZone(zone: string): void {
  try {
    if (!ZONE.test(zone)) throw new RangeError('an offset is no name');
    Intl.DateTimeFormat('en', { timeZone: zone });
  } catch (error) {
    throw new AppError('input.invalid', 'expected the name of an IANA time zone like Europe/Berlin', { cause: error });
  }
}

/** The day that it is there now. */
export function dayIn(zone: string, now: Date): string {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    calendar: 'gregory',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).formatToParts(now);
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.find((each) => each.type === type)?.value ?? '';
  return `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`;
}
