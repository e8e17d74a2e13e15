// Which days a series is asked for, and which it is compared with.

import {
  addDays,
  assertTimeZone,
  countDays,
  dayIn,
  isDay,
  spanBefore,
  type CalendarStep,
  type DaySpan,
} from '../core/calendar.ts';
import { AppError } from '../core/errors.ts';
import { isDataError } from '../db/errors.ts';
import type { SeriesStep } from '../store/platform-series.ts';

export interface AskedSpan {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly by: SeriesStep;
  readonly timezone: string;
}

/** So that an answer has a few thousand points at most. */
const MOST_DAYS: Readonly<Record<SeriesStep, number>> = { minute: 3, hour: 93, day: 3_700, week: 3_700, month: 36_600 };
const USUAL_DAYS = 30;

export function isCalendarStep(by: SeriesStep): by is CalendarStep {
  return by !== 'minute' && by !== 'hour';
}

/** Throws `input.invalid`. */
export function spanOf({ from, to, by, timezone }: AskedSpan, now: Date): DaySpan {
  assertTimeZone(timezone);
  for (const day of [from, to])
    if (day !== undefined && !isDay(day))
      throw new AppError('input.invalid', `expected a day that there is, got ${day}`);
  const last = to ?? dayIn(timezone, now);
  const first = from ?? (isCalendarStep(by) ? addDays(last, 1 - USUAL_DAYS) : last);
  const days = countDays({ from: first, to: last });
  if (days < 1 || days > MOST_DAYS[by])
    throw new AppError('input.invalid', `expected 1 to ${MOST_DAYS[by]} days by ${by}, got ${days}`);
  return { from: first, to: last };
}

export function comparedSpan(span: DaySpan, by: SeriesStep): DaySpan {
  return spanBefore(span, isCalendarStep(by) ? by : 'day');
}

/** Against what was before, in per cent to one decimal; null: there is nothing to compare with. */
export function changePercent(before: number, after: number): number | null {
  return before === 0 ? null : Math.round(((after - before) / Math.abs(before)) * 1_000) / 10;
}

/** A zone that browsers know and the database does not is the caller's mistake, too. */
export async function refusingZone<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isDataError(error)) throw error;
    throw new AppError('input.invalid', 'expected the name of a time zone that the database knows', { cause: error });
  }
}
