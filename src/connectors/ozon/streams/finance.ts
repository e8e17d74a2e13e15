// The accounts, day by day. A place in a day lives for a quarter of an hour and a line has no id that is surely its own, so a day
// is read to its end and stored whole, in one transaction; and days are revised, so the last ones are read again.

import { z } from 'zod';
import { DAY_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { addDays, moscowDay } from '../../toolkit/moscow.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { idText } from '../../toolkit/scalars.ts';
import { createOzonApi, type Context, type OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { listPages } from '../places.ts';
import { accrualKey, parseAccrual } from '../schemas/accruals.ts';
import type { OzonSettings } from '../settings.ts';

/** Of a first pass, unless the settings say otherwise. */
const HISTORY_DAYS = 365;
/** Days that are read again by each pass, and by a full one. */
const REVISED_DAYS = 7;
const REVISED_LATE_DAYS = 35;
/** What one page may hold; a busier day is stored in more than one. */
const MAX_PAGE = 10_000;

const cursorSchema = z.strictObject({
  /** The last day that is stored whole. */
  day: z.iso.date(),
  isDone: z.boolean(),
});

type Cursor = z.output<typeof cursorSchema>;
type Row = Readonly<Record<string, unknown>>;

const daySchema = z.object({
  accruals: z.array(z.record(z.string(), z.unknown())).nullish(),
  last_id: z.string().nullish(),
});
const typesSchema = z.object({ accrual_types: z.array(z.object({ id: idText, name: z.string() })).nullish() });

function firstDayOf({ cursor, since, until, type }: Plan<Cursor>, settings: OzonSettings): string {
  const today = moscowDay(until);
  if (cursor !== null && !cursor.isDone) return addDays(cursor.day, 1);
  if (type === 'backfill' && since !== null) return moscowDay(since);
  if (cursor === null) return settings.finance_since ?? addDays(today, -HISTORY_DAYS);
  const revised = addDays(today, -(type === 'full' ? REVISED_LATE_DAYS : REVISED_DAYS));
  return cursor.day < revised ? cursor.day : revised;
}

/** All lines of a day, with what tells equal ids apart. */
async function linesOf(
  api: OzonApi,
  date: string,
  typeNames: Readonly<Record<string, string>>,
): Promise<readonly Row[]> {
  const counts = new Map<string, number>();
  const lines: Row[] = [];
  const pages = listPages(async (lastId) => {
    const { accruals, last_id: next } = await api.call(
      '/v1/finance/accrual/by-day',
      { date, last_id: lastId },
      daySchema,
    );
    return { records: accruals ?? [], next: next ?? null, hasNext: null };
  });
  for await (const { records } of pages) {
    for (const row of records) {
      const id = keyIn(row, 'accrual_id') ?? '';
      const ordinal = (counts.get(id) ?? 0) + 1;
      counts.set(id, ordinal);
      lines.push({ ...row, date, ordinal, typeNames });
    }
  }
  return lines;
}

async function* read(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createOzonApi(context);
  const { until, type } = plan;
  const { accrual_types: types } = await api.call('/v1/finance/accrual/types', {}, typesSchema);
  const typeNames = Object.fromEntries((types ?? []).map(({ id, name }) => [id, name]));
  const last = type === 'backfill' ? moscowDay(new Date(until.getTime() - 1)) : moscowDay(until);
  for (let day = firstDayOf(plan, context.settings); day <= last; day = addDays(day, 1)) {
    const lines = await linesOf(api, day, typeNames);
    const mode = { kind: 'scope', key: day, generation: until.toISOString() } as const;
    let at = 0;
    do {
      const close = at + MAX_PAGE >= lines.length;
      const checkpoint = { day, isDone: day === last };
      yield { records: lines.slice(at, at + MAX_PAGE), mode: { ...mode, close }, ...(close ? { checkpoint } : {}) };
      at += MAX_PAGE;
    } while (at < lines.length);
  }
}

export const finance = defineStream<OzonCredential, OzonSettings, 'finance_entry', Cursor>({
  name: 'finance',
  kind: 'finance_entry',
  owner: 'user',
  defaultIntervalMinutes: 6 * 60,
  fullEveryMs: 7 * DAY_MS,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: REVISED_DAYS + 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ day }) => new Date(`${day}T00:00:00+03:00`),
  read,
  parse: parseAccrual,
  keyOf: accrualKey,
});
