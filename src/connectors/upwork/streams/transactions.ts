// Money, month by month, what is long past year by year: the history has no pages and times out when a range holds too
// much, so such a range is halved until it answers. States change for weeks, so an increment reads the last forty-five
// days again.

import { z } from 'zod';
import { DAY_MS } from '../../../core/duration.ts';
import { AppError, type ErrorReport } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan, ReadContext } from '../../contract/stream.ts';
import type { UpworkCredential } from '../auth.ts';
import { createUpworkApi, type UpworkApi } from '../api.ts';
import { addDays, countDays, halvesOf, rangeOf, yearsThenMonths, type DayRange } from '../days.ts';
import { inPages } from '../pages.ts';
import { parseTransaction, transactionKeyOf } from '../schemas/transactions.ts';
import type { UpworkSettings } from '../settings.ts';
import { listTransactions, readAccountingEntity } from '../work-queries.ts';

const cursorSchema = z.strictObject({
  /** Every day before this instant was read; null until the first pass is complete. */
  mark: z.iso.datetime().nullable(),
  /** Where a pass that broke off goes on. */
  next: z.iso.date().nullable(),
});

type Cursor = z.output<typeof cursorSchema>;
type Context = ReadContext<UpworkCredential, UpworkSettings>;

interface Part {
  readonly range: DayRange;
  readonly rows: readonly unknown[];
  readonly problems: readonly ErrorReport[];
}

/** The range in as many parts as it takes. Throws what the platform says to a single day. */
async function* readRange(api: UpworkApi, entity: string, range: DayRange): AsyncGenerator<Part> {
  const filter = {
    aceIds_any: [entity],
    transactionDateTime_bt: { rangeStart: range.from, rangeEnd: range.to },
  };
  let part: Part;
  try {
    const { data, problems } = await api.query(listTransactions, { filter });
    part = { range, rows: data, problems };
  } catch (error) {
    const halves = error instanceof AppError && error.code === 'platform.unavailable' ? halvesOf(range) : null;
    if (halves === null) throw error;
    yield* readRange(api, entity, halves[0]);
    yield* readRange(api, entity, halves[1]);
    return;
  }
  yield part;
}

async function* readTransactions(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createUpworkApi(context);
  const { data: entity } = await api.query(readAccountingEntity, {});
  const { from, to } = rangeOf(plan.since, plan.until);
  const total = countDays({ from, to });
  const mark = plan.cursor?.mark ?? null;
  for (const slice of yearsThenMonths({ from: plan.cursor?.next ?? from, to })) {
    for await (const { range, rows, problems } of readRange(api, entity, slice)) {
      const isLast = range.to === to;
      for (const { records, isLast: isEnd } of inPages(rows)) {
        const next = isLast ? { mark: plan.until.toISOString(), next: null } : { mark, next: addDays(range.to, 1) };
        yield {
          records,
          mode: { kind: 'upsert' },
          ...(isEnd ? { checkpoint: next, problems } : {}),
          progress: { done: countDays({ from, to: range.to }), total },
        };
      }
    }
  }
}

export const transactions = defineStream<UpworkCredential, UpworkSettings, 'payment', Cursor>({
  name: 'transactions',
  kind: 'payment',
  owner: 'user',
  defaultIntervalMinutes: 24 * 60,
  fullEveryMs: null,
  lookbackMs: 45 * DAY_MS,
  readAhead: true,
  typicalCost: 3,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ mark }) => (mark === null ? null : new Date(mark)),
  read: readTransactions,
  parse: parseTransaction,
  keyOf: transactionKeyOf,
});
