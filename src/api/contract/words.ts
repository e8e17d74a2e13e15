// The words that several resources share: ids, instants, schedules, pages.

import { z } from 'zod';

export const id = z.uuid().meta({ description: 'UUID' });

/** ISO 8601 in UTC, milliseconds. */
export const instant = z.iso.datetime({ offset: true }).meta({ description: 'Instant, ISO 8601 in UTC' });

/** As a request brings it; becomes a `Date`. */
export const instantIn = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

export const MAX_PAGE = 200;
export const DEFAULT_PAGE = 50;

/** Query of every list: how many, and where the page before ended. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
  cursor: z.string().min(1).max(500).optional().meta({ description: '`nextCursor` of the page before' }),
};

/** Answer of every list; `nextCursor` is null on the last page. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

/** When something is synced: every so many minutes, or at the times of a cron expression in a zone. */
export const scheduleIn = z
  .strictObject({
    intervalMinutes: z.int().min(1).max(44_640).nullable().default(null),
    cron: z.string().min(1).max(200).nullable().default(null),
    timezone: z.string().min(1).max(100).nullable().default(null),
  })
  .meta({ description: 'Either an interval, or a cron expression with its IANA zone; neither: the default' });
