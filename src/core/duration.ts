// Lengths of time in milliseconds, by name.

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** A length of time for people: `850 ms`, `12.4 s`, `3 min 20 s`, `2 h 05 min`. */
export function formatDuration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ${Math.floor((ms % MINUTE_MS) / SECOND_MS)} s`;
  const minutes = String(Math.floor((ms % HOUR_MS) / MINUTE_MS)).padStart(2, '0');
  return `${Math.floor(ms / HOUR_MS)} h ${minutes} min`;
}

const UNITS: Readonly<Record<string, number>> = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS };
const SHORT = /^(\d{1,9})([smhdw])$/;
/** ISO 8601 without years and months, which have no fixed length. */
const ISO = /^P(?=.)(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?$/;

/** Milliseconds of `24h`, `30d`, `PT24H` or `P1DT12H`; null for anything else. */
export function parseDuration(text: string): number | null {
  const short = SHORT.exec(text);
  if (short !== null) return Number(short[1]) * UNITS[short[2]!]!;
  const iso = ISO.exec(text);
  if (iso === null) return null;
  return [...'wdhms'].reduce((total, unit, index) => total + Number(iso[index + 1] ?? 0) * UNITS[unit]!, 0);
}

/** As `parseDuration` reads it, in the largest unit that leaves no rest; up to two days in hours. */
export function renderDuration(ms: number): string {
  if (ms % DAY_MS === 0 && ms > 2 * DAY_MS) return `${ms / DAY_MS}d`;
  if (ms % HOUR_MS === 0) return `${ms / HOUR_MS}h`;
  return ms % MINUTE_MS === 0 ? `${ms / MINUTE_MS}m` : `${ms / SECOND_MS}s`;
}
