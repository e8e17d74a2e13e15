// Accruals by day of Moscow. They are revised for weeks, and nothing says which: each pass reads the last week again and one pass a
// week the last five. A day is stored whole or not at all, and what it no longer has is removed.

import { z } from 'zod';
import { DAY_MS } from '../../../core/duration.ts';
import { AppError, reportOf, type ErrorReport } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { addDays, moscowDay } from '../../toolkit/moscow.ts';
import { readDay, readTypes, type AccrualDay, type TypeNames } from '../accrual-days.ts';
import { createOzonApi, type Context, type OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { accrualKey, parseAccrual } from '../schemas/accruals.ts';
import type { OzonSettings } from '../settings.ts';

/** There is nothing before it. */
const FIRST_DAY = '2022-01-01';
const LOOKBACK_DAYS = 7;
const DEEP_DAYS = 35;
const DEEP_EVERY_MS = 6.5 * DAY_MS;
/** As many as one transaction takes; a longer day is closed by its last page. */
const PAGE_ENTRIES = 10_000;

const cursorSchema = z.strictObject({
  /** Days before this instant were read; null until the first pass is complete. */
  mark: z.iso.datetime().nullable(),
  /** When the last five weeks were read again. */
  deepAt: z.iso.datetime().nullable(),
  /** Where a full pass that broke off goes on. */
  next: z.iso.date().nullable(),
});
type Cursor = z.output<typeof cursorSchema>;

interface Range {
  readonly from: string;
  readonly to: string;
  readonly isDeep: boolean;
  /** Whether a pass that breaks off goes on where it was. */
  readonly isResumable: boolean;
}

function rangeOf({ type, since, until, cursor }: Plan<Cursor>, { finance_since: first }: OzonSettings): Range {
  const to = moscowDay(until);
  const notBefore = (day: string): string => (day < FIRST_DAY ? FIRST_DAY : day);
  if (type !== 'incremental' || since === null || cursor === null) {
    const from = cursor?.next ?? notBefore(since === null ? first : moscowDay(since));
    return { from, to, isDeep: true, isResumable: true };
  }
  const { deepAt } = cursor;
  const isDeep = deepAt === null || until.getTime() - Date.parse(deepAt) >= DEEP_EVERY_MS;
  const from = moscowDay(since);
  const deepFrom = addDays(to, -DEEP_DAYS);
  return { from: notBefore(isDeep && deepFrom < from ? deepFrom : from), to, isDeep, isResumable: false };
}

function* pagesOfDay(day: string, generation: string, { entries, doubt }: AccrualDay): Generator<Page<Cursor>> {
  let at = 0;
  do {
    const end = at + PAGE_ENTRIES;
    const close = end >= entries.length && doubt === null;
    yield { records: entries.slice(at, end), mode: { kind: 'scope', key: day, generation, close } };
    at = end;
  } while (at < entries.length);
}

/** Without their names the types keep their numbers. */
async function namesOf(api: OzonApi): Promise<{ names: TypeNames; problems: readonly ErrorReport[] }> {
  try {
    return { names: await readTypes(api), problems: [] };
  } catch (error) {
    if (!(error instanceof AppError && (error.kind === 'scope' || error.kind === 'gone'))) throw error;
    return { names: new Map(), problems: [reportOf(error)] };
  }
}

async function* readAccruals(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createOzonApi(context);
  const until = plan.until.toISOString();
  const { from, to, isDeep, isResumable } = rangeOf(plan, context.settings);
  const { names, problems } = await namesOf(api);
  for (let day = from; day <= to; day = addDays(day, 1)) {
    const found = await readDay(api, day, names);
    const told = [...(day === from ? problems : []), ...(found.doubt === null ? [] : [found.doubt])];
    const isLast = day === to;
    const checkpoint: Cursor = isLast
      ? { mark: until, deepAt: isDeep ? until : (plan.cursor?.deepAt ?? null), next: null }
      : { mark: plan.cursor?.mark ?? null, deepAt: plan.cursor?.deepAt ?? null, next: addDays(day, 1) };
    const pages = [...pagesOfDay(day, until, found)];
    for (const page of pages) {
      const isEnd = page === pages.at(-1);
      yield isEnd && (isLast || isResumable)
        ? { ...page, problems: told, checkpoint }
        : { ...page, problems: isEnd ? told : [] };
    }
  }
}

export const finance = defineStream<OzonCredential, OzonSettings, 'finance_entry', Cursor>({
  name: 'finance',
  kind: 'finance_entry',
  owner: 'user',
  defaultIntervalMinutes: 6 * 60,
  fullEveryMs: null,
  lookbackMs: LOOKBACK_DAYS * DAY_MS,
  readAhead: true,
  typicalCost: 9,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ mark }) => (mark === null ? null : new Date(mark)),
  read: readAccruals,
  parse: parseAccrual,
  keyOf: accrualKey,
});
