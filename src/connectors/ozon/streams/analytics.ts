// Figures by sku and day: one request a minute, a thousand rows each. Days change afterwards, so the last ones are read again. A
// shop without the larger subscriptions sees two figures and three months.

import { z } from 'zod';
import { DAY_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { addDays, moscowDay } from '../../toolkit/moscow.ts';
import { createOzonApi, type Context, type OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { dayKey, parseProductDay } from '../schemas/analytics.ts';
import { readSeller } from '../queries.ts';
import type { OzonSettings } from '../settings.ts';

const LIMIT = 1_000;
/** Without the larger subscriptions. */
const FIGURES = ['revenue', 'ordered_units'] as const;
const HISTORY_DAYS = 89;
/** With them, and who has them. */
const RICH: ReadonlySet<string> = new Set(['PREMIUM_PLUS', 'PREMIUM_PRO']);
const ALL_FIGURES = [...FIGURES, 'hits_view', 'hits_tocart', 'returns', 'cancellations', 'delivered_units'] as const;
const LONG_HISTORY_DAYS = 364;
/** Days that are read again. */
const CHANGING_DAYS = 14;

const cursorSchema = z.strictObject({
  readTo: z.iso.datetime().nullable(),
  /** Inside a pass: its days, and the rows that are stored. */
  at: z.strictObject({ from: z.iso.date(), to: z.iso.date(), offset: z.int().min(0) }).nullable(),
});

type Cursor = z.output<typeof cursorSchema>;

const answerSchema = z.object({
  result: z.object({
    data: z
      .array(
        z.object({
          dimensions: z.array(z.object({ id: z.string() })),
          metrics: z.array(z.union([z.number(), z.string()])),
        }),
      )
      .nullish(),
  }),
});

/** `oldest`: the first day that the shop's subscription shows, counted from today. */
function firstDayOf({ since, until, type }: Plan<Cursor>, oldest: string): string {
  if (since === null) return oldest;
  const marked = moscowDay(since);
  const changing = addDays(moscowDay(until), -CHANGING_DAYS);
  const wanted = type === 'backfill' || marked < changing ? marked : changing;
  return wanted < oldest ? oldest : wanted;
}

/** Rows with their figures by name: an answer has them in the order in which they were asked for. */
async function ask(api: OzonApi, figures: readonly string[], range: object, offset: number) {
  const body = { ...range, dimension: ['sku', 'day'], metrics: figures, limit: LIMIT, offset };
  const { result } = await api.call('/v1/analytics/data', body, answerSchema);
  return (result.data ?? []).map(({ dimensions, metrics }) => ({
    sku: dimensions[0]?.id,
    day: dimensions[1]?.id,
    figures: Object.fromEntries(figures.map((name, index) => [name, metrics[index] ?? null])),
  }));
}

async function* read(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createOzonApi(context);
  const { subscription } = await readSeller(api);
  const isRich = RICH.has(subscription?.type ?? '');
  const at = plan.cursor?.at ?? null;
  const oldest = addDays(moscowDay(context.clock.now()), isRich ? -LONG_HISTORY_DAYS : -HISTORY_DAYS);
  const from = at?.from ?? firstDayOf(plan, oldest);
  // A place counts rows of these days: a day that begins meanwhile is the next pass's.
  const to = at?.to ?? moscowDay(plan.until);
  if (from > to) return;
  const range = { date_from: from, date_to: to };
  const readTo = plan.cursor?.readTo ?? null;
  for (let offset = at?.offset ?? 0; ; offset += LIMIT) {
    const records = await ask(api, isRich ? ALL_FIGURES : FIGURES, range, offset);
    const isEnd = records.length < LIMIT;
    const checkpoint = isEnd
      ? { readTo: plan.until.toISOString(), at: null }
      : { readTo, at: { from, to, offset: offset + LIMIT } };
    yield { records, mode: { kind: 'upsert' }, checkpoint };
    if (isEnd) return;
  }
}

export const analytics = defineStream<OzonCredential, OzonSettings, 'product_day', Cursor>({
  name: 'analytics',
  kind: 'product_day',
  owner: 'user',
  defaultIntervalMinutes: 12 * 60,
  fullEveryMs: 30 * DAY_MS,
  lookbackMs: 0,
  readAhead: false,
  typicalCost: 3,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ readTo }) => (readTo === null ? null : new Date(readTo)),
  read,
  parse: parseProductDay,
  keyOf: dayKey,
});
