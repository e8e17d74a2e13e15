// The sales funnel by card and day. Past days change for weeks: cancellations and buyouts are booked to the day of the order.
// So each pass reads the last days again, each as a snapshot; cards to which nothing happened are left out.

import { z } from 'zod';
import { DAY_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { addDays, moscowDay } from '../../toolkit/moscow.ts';
import { createWildberriesApi, type Context } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { FUNNEL } from '../endpoints.ts';
import { dayKey, isIdle, parseProductDay } from '../schemas/analytics.ts';
import type { WildberriesSettings } from '../settings.ts';

const LIMIT = 1_000;
/** How far a full pass goes back; the method takes a year. */
const HISTORY_DAYS = 90;
/** Days that are read again. */
const CHANGING_DAYS = 14;

const cursorSchema = z.strictObject({
  /** The last day that is stored whole. */
  day: z.iso.date(),
  isDone: z.boolean(),
});

type Cursor = z.output<typeof cursorSchema>;
type Row = Readonly<Record<string, unknown>>;

const answerSchema = z.object({
  data: z.object({ currency: z.string(), products: z.array(z.record(z.string(), z.unknown())) }),
});

function firstDayOf({ cursor, since, until, type }: Plan<Cursor>): string {
  if (cursor !== null && !cursor.isDone) return addDays(cursor.day, 1);
  if (type === 'backfill' && since !== null) return moscowDay(since);
  if (cursor === null || type === 'full') return addDays(moscowDay(until), -HISTORY_DAYS);
  const changing = addDays(moscowDay(until), -CHANGING_DAYS);
  return cursor.day < changing ? cursor.day : changing;
}

async function* readDay(day: string, until: Date, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createWildberriesApi(context);
  const mode = { kind: 'scope', key: day, generation: until.toISOString() } as const;
  for (let offset = 0; ; offset += LIMIT) {
    const body = {
      selectedPeriod: { start: day, end: day },
      skipDeletedNm: false,
      orderBy: { field: 'openCard', mode: 'desc' },
      limit: LIMIT,
      offset,
    };
    const { currency, products } = (await api.ask(FUNNEL, answerSchema, { body }))?.data ?? {
      currency: '',
      products: [],
    };
    const rows: Row[] = products.map((row) => ({ ...row, day, currency }));
    const records = rows.filter((row) => !isIdle(row));
    const isEnd = products.length < LIMIT;
    yield {
      records,
      mode: { ...mode, close: isEnd },
      ...(isEnd ? { checkpoint: { day, isDone: day >= moscowDay(until) } } : {}),
    };
    if (isEnd) return;
  }
}

export const analytics = defineStream<WildberriesCredential, WildberriesSettings, 'product_day', Cursor>({
  name: 'analytics',
  kind: 'product_day',
  owner: 'user',
  defaultIntervalMinutes: 12 * 60,
  fullEveryMs: 30 * DAY_MS,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: CHANGING_DAYS,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ day }) => new Date(`${day}T00:00:00+03:00`),
  async *read(plan, context) {
    const { until, type } = plan;
    const last = type === 'backfill' ? moscowDay(new Date(until.getTime() - 1)) : moscowDay(until);
    for (let day = firstDayOf(plan); day <= last; day = addDays(day, 1)) yield* readDay(day, until, context);
  },
  parse: parseProductDay,
  keyOf: dayKey,
});
