// Postings that the seller sends. A full pass goes by the day of the order, month by month; an increment asks for postings whose
// status changed, among the orders of a year: the range alone would lose every change of an older order.

import { z } from 'zod';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../core/duration.ts';
import type { ErrorReport } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { startOfMoscowDay } from '../../toolkit/moscow.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { createOzonApi, type Context, type Method, type OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { listPostings } from '../posting-lists.ts';
import { parseFbsPosting } from '../schemas/postings.ts';
import type { OzonSettings } from '../settings.ts';
import { windowsOf, YEAR_MS } from '../windows.ts';

const LIST: Method = '/v4/posting/fbs/list';
/** A posting that changes again while the list is read must stay in it, or the rest would move up past the cursor. */
const AHEAD_MS = 12 * HOUR_MS;

const cursorSchema = z.strictObject({
  /** What changed before this instant is known; null until the first pass is complete. */
  mark: z.iso.datetime().nullable(),
  /** Where a pass that broke off goes on: orders from this instant. */
  next: z.iso.datetime().nullable(),
});
type Cursor = z.output<typeof cursorSchema>;

const UPSERT = { kind: 'upsert' } as const;

/** The first order that a full pass asks for. */
export function firstOrder({ orders_since: day }: OzonSettings, until: Date): Date {
  return day === undefined ? new Date(until.getTime() - YEAR_MS) : startOfMoscowDay(day);
}

async function* readOrders(plan: Plan<Cursor>, api: OzonApi, from: Date): AsyncGenerator<Page<Cursor>> {
  for (const window of windowsOf(from, plan.until)) {
    const problems: ErrorReport[] = [];
    const filter = { since: window.from.toISOString(), to: window.to.toISOString() };
    for await (const { rows, doubt } of listPostings(api, LIST, filter)) {
      if (doubt !== null) problems.push(doubt);
      yield { records: rows, mode: UPSERT };
    }
    const checkpoint = window.isLast
      ? { mark: plan.until.toISOString(), next: null }
      : { mark: null, next: window.to.toISOString() };
    // Of its own, because only now is it known that nothing of this window follows. A window in doubt is read again.
    yield { records: [], mode: UPSERT, problems, ...(problems.length > 0 ? {} : { checkpoint }) };
    if (problems.length > 0) return;
  }
}

async function* readChanges(plan: Plan<Cursor>, api: OzonApi, since: Date): AsyncGenerator<Page<Cursor>> {
  const { until } = plan;
  const ahead = new Date(until.getTime() + AHEAD_MS).toISOString();
  const filter = {
    since: new Date(until.getTime() - YEAR_MS).toISOString(),
    to: ahead,
    last_changed_status_date: { from: since.toISOString(), to: ahead },
  };
  const problems: ErrorReport[] = [];
  for await (const { rows, doubt } of listPostings(api, LIST, filter)) {
    if (doubt !== null) problems.push(doubt);
    yield { records: rows, mode: UPSERT };
  }
  const checkpoint = { mark: until.toISOString(), next: null };
  yield { records: [], mode: UPSERT, problems, ...(problems.length > 0 ? {} : { checkpoint }) };
}

function readPostings(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createOzonApi(context);
  const { type, since, until, cursor } = plan;
  if (type === 'incremental' && since !== null) return readChanges(plan, api, since);
  const next = cursor?.next ?? null;
  return readOrders(plan, api, next === null ? (since ?? firstOrder(context.settings, until)) : new Date(next));
}

export const fbsPostings = defineStream<OzonCredential, OzonSettings, 'order', Cursor>({
  name: 'fbs_postings',
  kind: 'order',
  owner: 'user',
  defaultIntervalMinutes: 10,
  fullEveryMs: 7 * DAY_MS,
  lookbackMs: 15 * MINUTE_MS,
  readAhead: true,
  typicalCost: 1,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ mark }) => (mark === null ? null : new Date(mark)),
  read: readPostings,
  parse: parseFbsPosting,
  keyOf: (raw) => keyIn(raw, 'posting_number'),
});
