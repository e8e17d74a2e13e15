// Statistics by day: every row whose own date falls on it, without a bound on their number. For windows of the past.

import { z } from 'zod';
import { DAY_MS } from '../../core/duration.ts';
import type { Page, Plan } from '../contract/stream.ts';
import { addDays, moscowDay } from '../toolkit/moscow.ts';
import { inPages } from '../toolkit/pages.ts';
import { createWildberriesApi, type Context } from './api.ts';
import type { Endpoint } from './endpoints.ts';

export const dayCursorSchema = z.strictObject({
  kind: z.literal('days'),
  /** The last day in Moscow that is stored whole. */
  day: z.iso.date(),
});

export type DayCursor = z.output<typeof dayCursorSchema>;

export async function* byDays(
  endpoint: Endpoint,
  { cursor, since, until }: Plan<{ readonly kind: string }>,
  context: Context,
): AsyncGenerator<Page<DayCursor>> {
  const api = createWildberriesApi(context);
  const resumed = dayCursorSchema.safeParse(cursor).data;
  // `until` is exclusive.
  const lastDay = moscowDay(new Date(until.getTime() - 1));
  const firstDay = moscowDay(since ?? new Date(until.getTime() - DAY_MS));
  for (let day = resumed === undefined ? firstDay : addDays(resumed.day, 1); day <= lastDay; day = addDays(day, 1)) {
    const rows = api.elements(endpoint, { query: { dateFrom: day, flag: 1 } });
    for await (const { records, isLast } of inPages(rows)) {
      yield { records, mode: { kind: 'upsert' }, ...(isLast ? { checkpoint: { kind: 'days', day } } : {}) };
    }
  }
}
