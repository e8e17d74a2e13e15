// When a stream fires next. Pure: schedule, spread and now go in, an instant comes out. Intervals lie on a grid that is
// shifted per stream, so that accounts with one interval do not fire together; cron is exact.

import { Cron } from 'croner';
import { MINUTE_MS, SECOND_MS } from '../core/duration.ts';
import { AppError } from '../core/errors.ts';
import type { Schedule } from '../store/streams.ts';

/** For streams whose schedule says nothing at all, in minutes. */
export const FALLBACK_INTERVAL_MINUTES = 60;
/** 31 days. */
export const MAX_INTERVAL_MINUTES = 44_640;

/**
 * The first point of the stream's grid that lies at least half an interval after `now`. Coming from a point of the grid
 * that is the next one, so a late scheduler causes no drift; coming from anywhere else (a first run, a catch-up) the gap
 * is between half an interval and one and a half.
 */
function nextOnGrid(intervalMinutes: number, spreadSeconds: number, now: Date): Date {
  const interval = intervalMinutes * MINUTE_MS;
  const offset = (spreadSeconds * SECOND_MS) % interval;
  const earliest = now.getTime() + interval / 2;
  return new Date(Math.ceil((earliest - offset) / interval) * interval + offset);
}

function invalid(message: string, details: Readonly<Record<string, unknown>>, cause?: unknown): AppError {
  return new AppError('input.invalid', message, { details, cause });
}

function isZone(timezone: string): boolean {
  try {
    Intl.DateTimeFormat('en', { timeZone: timezone });
    // Offsets like +02:00 are accepted by Intl and know nothing of daylight saving.
    return !/^[+-]/.test(timezone);
  } catch {
    return false;
  }
}

function parseCron(cron: string, timezone: string | null | undefined): Cron {
  if (timezone == null || !isZone(timezone))
    throw invalid(`expected an IANA time zone like Europe/Berlin beside a cron expression, got ${String(timezone)}`, {
      timezone,
    });
  const fields = cron.trim().split(/\s+/);
  const expected = 'expected a cron expression of five fields (minute hour day month weekday)';
  if (fields.length !== 5) throw invalid(`${expected}, got ${fields.length} in ${JSON.stringify(cron)}`, { cron });
  try {
    return new Cron(fields.join(' '), { timezone, mode: '5-part' });
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error);
    throw invalid(`${expected}, got ${JSON.stringify(cron)}: ${reason}`, { cron }, error);
  }
}

/**
 * Croner's rules for daylight saving (11.0.1, checked by test): a time inside a gap fires at the gap's length later,
 * a time that occurs twice fires at the first occurrence only.
 */
function nextOfCron(cron: string, timezone: string | null | undefined, now: Date): Date {
  const next = parseCron(cron, timezone).nextRun(now);
  if (next === null) throw invalid(`expected a cron expression that fires some day, got ${cron}`, { cron });
  return next;
}

/**
 * The next fire strictly after `now`. `spreadSeconds` shifts intervals only. Throws `input.invalid` like `checkSchedule`.
 */
export function nextFire(schedule: Schedule, spreadSeconds: number, now: Date): Date {
  if (schedule.cron != null) return nextOfCron(schedule.cron, schedule.timezone, now);
  return nextOnGrid(schedule.intervalMinutes ?? FALLBACK_INTERVAL_MINUTES, spreadSeconds, now);
}

/**
 * Throws `input.invalid` for both kinds at once, a broken expression, an expression that never fires, an unknown or
 * missing zone, a zone without an expression, an interval that is not a whole number of minutes from 1 to 44,640.
 */
export function checkSchedule(schedule: Schedule, now: Date): void {
  const { intervalMinutes, cron, timezone } = schedule;
  if (cron != null && intervalMinutes != null)
    throw invalid('expected either an interval or a cron expression, got both', { intervalMinutes, cron });
  if (cron != null) {
    nextOfCron(cron, timezone, now);
    return;
  }
  if (timezone != null)
    throw invalid(`expected a cron expression beside a time zone, got the zone ${timezone} alone`, { timezone });
  if (intervalMinutes == null) return;
  if (!Number.isInteger(intervalMinutes) || intervalMinutes < 1 || intervalMinutes > MAX_INTERVAL_MINUTES)
    throw invalid(
      `expected an interval of 1 to ${MAX_INTERVAL_MINUTES} whole minutes, got ${String(intervalMinutes)}`,
      { intervalMinutes },
    );
}
