// Weekly sales reports, line by line: the figures that count. Reports are published some days after their week and never
// change, so a pass asks for the list and then for the lines of reports that are new. The daily reports tell the same
// lines earlier and once more; they are not read.

import { z } from 'zod';
import { DAY_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { exactNumber } from '../../toolkit/exact-json.ts';
import { moscowDay } from '../../toolkit/moscow.ts';
import { inPages } from '../../toolkit/pages.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { day, idText } from '../../toolkit/scalars.ts';
import { createWildberriesApi, type Context, type WildberriesApi } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { FINANCE_REPORT, FINANCE_REPORTS } from '../endpoints.ts';
import { entryKey, parseFinanceEntry } from '../schemas/finance.ts';
import type { WildberriesSettings } from '../settings.ts';

const LIST_LIMIT = 1_000;
const LINES_LIMIT = 100_000;
/** Before this there is no list of reports. */
const FIRST_DAY = '2025-01-01';
/** How long after its week a report may still appear. */
const LATE_MS = 60 * DAY_MS;
/** Three kinds of reports a week, and as many weeks as may be late, several times over. */
const MAX_KNOWN = 500;

const cursorSchema = z.strictObject({
  readTo: z.iso.datetime().nullable(),
  /** Reports whose lines are stored, the newest ones. */
  known: z.array(z.string()).max(MAX_KNOWN),
  /** Inside a report: the last line that is stored. */
  at: z.strictObject({ reportId: z.string(), rrdId: z.string() }).nullable(),
});

type Cursor = z.output<typeof cursorSchema>;

const reportsSchema = z.array(z.object({ reportId: idText, createDate: day }));
type Report = z.output<typeof reportsSchema>[number];

const latest = (a: string, b: string): string => (a > b ? a : b);

function firstDayOf({ since, until, type }: Plan<Cursor>, { finance_since: wanted }: WildberriesSettings): string {
  const earliest = latest(wanted, FIRST_DAY);
  if (since === null) return earliest;
  const from = type === 'backfill' ? since : new Date(Math.min(since.getTime(), until.getTime() - LATE_MS));
  return latest(moscowDay(from), earliest);
}

async function listReports(api: WildberriesApi, dateFrom: string, dateTo: string): Promise<readonly Report[]> {
  const reports: Report[] = [];
  for (let offset = 0; ; offset += LIST_LIMIT) {
    const body = { dateFrom, dateTo, period: 'weekly', limit: LIST_LIMIT, offset };
    const page = (await api.ask(FINANCE_REPORTS, reportsSchema, { body })) ?? [];
    reports.push(...page);
    if (page.length < LIST_LIMIT) break;
  }
  return reports.toSorted((a, b) => (a.createDate === b.createDate ? 0 : a.createDate < b.createDate ? -1 : 1));
}

/** Lines of a report after `rrdId`, in pages; a short answer is the last one. */
async function* readLines(api: WildberriesApi, reportId: string, from: string) {
  let rrdId = from;
  for (;;) {
    const body = { limit: LINES_LIMIT, rrdId: exactNumber(rrdId) };
    const lines = api.elements(FINANCE_REPORT, { path: { reportId }, body });
    let count = 0;
    for await (const { records, isLast } of inPages(lines)) {
      count += records.length;
      rrdId = keyIn(records.at(-1), 'rrdId') ?? rrdId;
      yield { records, rrdId, isEnd: isLast && count < LINES_LIMIT };
    }
    if (count < LINES_LIMIT) return;
  }
}

async function* read(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createWildberriesApi(context);
  const { cursor, until, type } = plan;
  // A full pass reads all reports again, but not those that it has read before it was interrupted.
  const isAgain = type !== 'incremental' && (cursor === null || cursor.readTo !== null);
  let known: readonly string[] = isAgain ? [] : (cursor?.known ?? []);
  let at = isAgain ? null : (cursor?.at ?? null);
  const readTo = type === 'incremental' ? (cursor?.readTo ?? null) : null;
  const reports = await listReports(api, firstDayOf(plan, context.settings), moscowDay(until));
  const fresh = reports.filter(({ reportId }) => !known.includes(reportId));
  for (const [index, { reportId }] of fresh.entries()) {
    const from = at?.reportId === reportId ? at.rrdId : '0';
    for await (const { records, rrdId, isEnd } of readLines(api, reportId, from)) {
      if (isEnd) known = [...known, reportId].slice(-MAX_KNOWN);
      at = isEnd ? null : { reportId, rrdId };
      const progress = { done: index + (isEnd ? 1 : 0), total: fresh.length };
      yield { records, mode: { kind: 'upsert' }, checkpoint: { readTo, known: [...known], at }, progress };
    }
  }
  yield {
    records: [],
    mode: { kind: 'upsert' },
    checkpoint: { readTo: until.toISOString(), known: [...known], at: null },
  };
}

export const finance = defineStream<WildberriesCredential, WildberriesSettings, 'finance_entry', Cursor>({
  name: 'finance',
  kind: 'finance_entry',
  owner: 'user',
  defaultIntervalMinutes: 6 * 60,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ readTo }) => (readTo === null ? null : new Date(readTo)),
  read,
  parse: parseFinanceEntry,
  keyOf: entryKey,
});
