// Postings that the seller sends himself. They are selected by when they were ordered, which never changes, so an increment asks
// for a year of orders of which the status changed lately.

import { z } from 'zod';
import { DAY_MS, HOUR_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { createOzonApi, type Context } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { listPages } from '../places.ts';
import { parseFbsPosting, withoutBuyer } from '../schemas/postings.ts';
import type { OzonSettings } from '../settings.ts';

const METHOD = '/v4/posting/fbs/list';
/** The most that the method takes between its two ends is a year. */
const HISTORY_MS = 364 * DAY_MS;
const LIMIT = 100;

export const cursorSchema = z.strictObject({
  readTo: z.iso.datetime().nullable(),
  /** Inside a pass: the platform's own place. */
  place: z.string().nullable(),
});

export type Cursor = z.output<typeof cursorSchema>;

const answerSchema = z.object({
  postings: z.array(z.record(z.string(), z.unknown())).nullish(),
  cursor: z.string().nullish(),
  has_next: z.boolean().nullish(),
});

function filterOf({ since, until, type }: Plan<Cursor>): object {
  const window = { since: new Date(until.getTime() - HISTORY_MS).toISOString(), to: until.toISOString() };
  if (since === null) return window;
  if (type === 'backfill') return { ...window, since: since.toISOString() };
  return { ...window, last_changed_status_date: { from: since.toISOString(), to: until.toISOString() } };
}

async function* read(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createOzonApi(context);
  const filter = filterOf(plan);
  const ask = async (cursor: string) => {
    const body = {
      cursor,
      limit: LIMIT,
      filter,
      sort_dir: 'ASC',
      with: { analytics_data: true, financial_data: true },
    };
    const { postings, cursor: next, has_next: hasNext } = await api.call(METHOD, body, answerSchema);
    return { records: postings ?? [], next: next ?? null, hasNext: hasNext ?? null };
  };
  const readTo = plan.cursor?.readTo ?? null;
  for await (const { records, next } of listPages(ask, plan.cursor?.place ?? '')) {
    const checkpoint = next === null ? { readTo: plan.until.toISOString(), place: null } : { readTo, place: next };
    yield { records: records.map(withoutBuyer), mode: { kind: 'upsert' }, checkpoint };
  }
}

export const fbsPostings = defineStream<OzonCredential, OzonSettings, 'order', Cursor>({
  name: 'fbs_postings',
  kind: 'order',
  owner: 'user',
  defaultIntervalMinutes: 10,
  fullEveryMs: 30 * DAY_MS,
  // The moment of a change is the platform's, and it is told late.
  lookbackMs: HOUR_MS,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ readTo }) => (readTo === null ? null : new Date(readTo)),
  read,
  parse: parseFbsPosting,
  keyOf: (raw) => keyIn(raw, 'posting_number'),
});
