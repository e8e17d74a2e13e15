// Wall clocks of older exports: the exporting machine's local time, without a word about its zone.

import { DAY_MS } from '../../../core/duration.ts';

const LOCAL = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})$/;

/** The instant of a wall clock such as `2021-03-28T02:30:00`, or null when it is none. */
export type ReadLocal = (text: string) => Date | null;

/**
 * For an IANA zone; throws RangeError for an unknown one. Of two instants that a clock set back shows alike, the first; a time
 * that a clock set forward leaves out is read as if it had not been.
 */
export function localTimeIn(timezone: string): ReadLocal {
  const format = new Intl.DateTimeFormat('en-US-u-ca-iso8601-nu-latn', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  /** The zone's wall clock at `ms`, as if it were UTC. */
  const wallAt = (ms: number): number => {
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
  return (text) => {
    const [, ...fields] = LOCAL.exec(text) ?? [];
    if (fields.length === 0) return null;
    const wanted = Date.parse(`${text}Z`);
    if (Number.isNaN(wanted)) return null;
    // The offset a day before and after: the two between which a change of the clock lies.
    const offsets = [wanted - DAY_MS, wanted + DAY_MS].map((ms) => wallAt(ms) - ms);
    const [earlier, later] = offsets.map((offset) => wanted - offset) as [number, number];
    const found = [earlier, later].filter((ms) => wallAt(ms) === wanted);
    return new Date(found.length === 0 ? earlier : Math.min(...found));
  };
}
