// Hours by contract and day. They are edited for days after, so an increment reads the last fourteen days again, and each
// day that was read whole replaces what was stored of it: rows have no id, an edited memo is another row.

import { z } from 'zod';
import { DAY_MS } from '../../../core/duration.ts';
import type { ErrorReport } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, PageMode, Plan, ReadContext } from '../../contract/stream.ts';
import type { UpworkCredential } from '../auth.ts';
import { createUpworkApi, type UpworkApi } from '../api.ts';
import { addDays, compactRange, countDays, eachDay, rangeOf, slicesOf, type DayRange } from '../days.ts';
import { inPages, listPages, pagination } from '../pages.ts';
import { recordsOf } from '../queries.ts';
import { dayOfHours, hoursKeyOf, parseHours } from '../schemas/hours.ts';
import type { UpworkSettings } from '../settings.ts';
import { listHours, readVendor } from '../work-queries.ts';

const PAGE_SIZE = 100;
/** The report has pages, so a slice may hold much; a pass that breaks off goes on with its slice. */
const SLICE_DAYS = 366;

const daySchema = z.iso.date();
const cursorSchema = z.strictObject({
  /** Every day before this instant was read; null until the first pass is complete. */
  mark: z.iso.datetime().nullable(),
  /** Where a pass that broke off goes on. */
  next: daySchema.nullable(),
});

type Cursor = z.output<typeof cursorSchema>;
type Context = ReadContext<UpworkCredential, UpworkSettings>;

interface Slice {
  /** Raw rows by day. */
  readonly days: ReadonlyMap<string, readonly object[]>;
  readonly problems: readonly ErrorReport[];
}

/** Rows that are alike in all that tells rows apart get a number, so that none of them swallows another. */
function numbered(rows: readonly object[]): readonly object[] {
  const counts = new Map<string | null, number>();
  return rows.map((row) => {
    const key = hoursKeyOf(row);
    const ordinal = counts.get(key) ?? 0;
    counts.set(key, ordinal + 1);
    return ordinal === 0 ? row : { ...row, ordinal };
  });
}

async function readSlice(api: UpworkApi, organizationId: string, range: DayRange): Promise<Slice> {
  const filter = { organizationId_eq: organizationId, timeReportDate_bt: compactRange(range) };
  const rows: unknown[] = [];
  const problems: ErrorReport[] = [];
  const pages = listPages('hours', null, (after) =>
    api.query(listHours, { filter, pagination: pagination(PAGE_SIZE, after) }),
  );
  for await (const page of pages) {
    const { records, problems: lost } = recordsOf(page.data, 'rows of the time report');
    rows.push(...records);
    problems.push(...page.problems, ...lost);
  }
  // A row without a readable day goes to quarantine with the first day of its slice.
  const days = Map.groupBy(rows as object[], (row) => dayOfHours(row) ?? range.from);
  return { days: new Map([...days].map(([day, each]) => [day, numbered(each)])), problems };
}

async function* readHours(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createUpworkApi(context);
  const { data: vendor } = await api.query(readVendor, {});
  const { to, ...whole } = rangeOf(plan.since, plan.until);
  const range: DayRange = { from: plan.cursor?.next ?? whole.from, to };
  const total = countDays({ from: whole.from, to });
  const mark = plan.cursor?.mark ?? null;
  for (const slice of slicesOf(range, SLICE_DAYS)) {
    const { days, problems } = await readSlice(api, vendor.organizationId, slice);
    const isWhole = problems.length === 0;
    // The first pass has nothing to replace where nothing was worked.
    const wanted = plan.type === 'full' ? [...days.keys()].sort() : [...eachDay(slice)];
    for (const day of wanted) {
      for (const { records, isLast: close } of inPages(days.get(day) ?? [])) {
        const generation = plan.until.toISOString();
        const mode: PageMode = isWhole ? { kind: 'scope', key: day, generation, close } : { kind: 'upsert' };
        yield { records, mode };
      }
    }
    const isLast = slice.to === to;
    yield {
      records: [],
      mode: { kind: 'upsert' },
      checkpoint: isLast ? { mark: plan.until.toISOString(), next: null } : { mark, next: addDays(slice.to, 1) },
      progress: { done: countDays({ from: whole.from, to: slice.to }), total },
      problems,
    };
  }
}

export const timeEntries = defineStream<UpworkCredential, UpworkSettings, 'time_entry', Cursor>({
  name: 'time_entries',
  kind: 'time_entry',
  owner: 'user',
  defaultIntervalMinutes: 6 * 60,
  fullEveryMs: null,
  lookbackMs: 14 * DAY_MS,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ mark }) => (mark === null ? null : new Date(mark)),
  read: readHours,
  parse: parseHours,
  keyOf: hoursKeyOf,
});
