// Postings that the platform sends from its warehouses. The list knows no "changed since", so each pass begins at the oldest
// posting that was still open and reads everything from there on.

import { z } from 'zod';
import { DAY_MS, HOUR_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { instant } from '../../toolkit/scalars.ts';
import { createOzonApi, type Context } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { listPages } from '../places.ts';
import { isFinal, parseFboPosting, withoutBuyer } from '../schemas/postings.ts';
import type { OzonSettings } from '../settings.ts';

const METHOD = '/v3/posting/fbo/list';
const HISTORY_MS = 364 * DAY_MS;
const LIMIT = 100;

const cursorSchema = z.strictObject({
  readTo: z.iso.datetime().nullable(),
  /** When the oldest posting was made that is not final; null: none is open. */
  openFrom: z.iso.datetime().nullable(),
  /** Inside a pass: the platform's own place, and where the pass began. */
  at: z.strictObject({ place: z.string(), since: z.iso.datetime() }).nullable(),
});

type Cursor = z.output<typeof cursorSchema>;
type Row = Readonly<Record<string, unknown>>;

const answerSchema = z.object({
  postings: z.array(z.record(z.string(), z.unknown())).nullish(),
  cursor: z.string().nullish(),
  has_next: z.boolean().nullish(),
});

function sinceOf({ cursor, since, until, type }: Plan<Cursor>): Date {
  if (cursor?.at != null) return new Date(cursor.at.since);
  const oldest = until.getTime() - HISTORY_MS;
  if (type === 'backfill' && since !== null) return since;
  if (since === null || cursor === null) return new Date(oldest);
  const open = cursor.openFrom === null ? since.getTime() : Date.parse(cursor.openFrom);
  return new Date(Math.max(oldest, Math.min(open, since.getTime())));
}

/** The earliest instant at which one of these, that is not final, was made; `than` when that is earlier. */
function oldestOpen(rows: readonly Row[], than: string | null): string | null {
  let oldest = than;
  for (const row of rows) {
    if (isFinal(row['status'])) continue;
    const at = (
      instant.safeParse(row['created_at']).data ?? instant.safeParse(row['in_process_at']).data
    )?.toISOString();
    if (at !== undefined && (oldest === null || at < oldest)) oldest = at;
  }
  return oldest;
}

async function* read(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createOzonApi(context);
  const since = sinceOf(plan).toISOString();
  const filter = { since, to: plan.until.toISOString() };
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
  const begun = plan.cursor?.at ?? null;
  const readTo = plan.cursor?.readTo ?? null;
  let openFrom = begun === null ? null : (plan.cursor?.openFrom ?? null);
  for await (const { records, next } of listPages(ask, begun?.place ?? '')) {
    openFrom = oldestOpen(records, openFrom);
    const checkpoint =
      next === null
        ? { readTo: plan.until.toISOString(), openFrom, at: null }
        : { readTo, openFrom, at: { place: next, since } };
    yield { records: records.map(withoutBuyer), mode: { kind: 'upsert' }, checkpoint };
  }
}

export const fboPostings = defineStream<OzonCredential, OzonSettings, 'order', Cursor>({
  name: 'fbo_postings',
  kind: 'order',
  owner: 'user',
  defaultIntervalMinutes: 20,
  fullEveryMs: 30 * DAY_MS,
  lookbackMs: HOUR_MS,
  readAhead: true,
  typicalCost: 4,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ readTo }) => (readTo === null ? null : new Date(readTo)),
  read,
  parse: parseFboPosting,
  keyOf: (raw) => keyIn(raw, 'posting_number'),
});
