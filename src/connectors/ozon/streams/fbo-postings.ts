// Postings that the platform sends. Its list cannot be asked what changed: an increment lists the newest orders and asks by number
// for postings that were still under way; once a day it lists the last two months again, for what changes after the end.

import { z } from 'zod';
import { DAY_MS, HOUR_MS } from '../../../core/duration.ts';
import type { ErrorReport } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { createOzonApi, type Context, type Method, type OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { createOpenPostings, NONE_OPEN, openSchema, type OpenPostings } from '../open-postings.ts';
import { listPostings, postingsNamed } from '../posting-lists.ts';
import { parseFboPosting } from '../schemas/postings.ts';
import type { OzonSettings } from '../settings.ts';
import { windowsOf } from '../windows.ts';
import { firstOrder } from './fbs-postings.ts';

const LIST: Method = '/v3/posting/fbo/list';
const RESCAN_MS = 60 * DAY_MS;
const RESCAN_EVERY_MS = DAY_MS;

const cursorSchema = z.strictObject({
  /** Orders before this instant are known; null until the first pass is complete. */
  mark: z.iso.datetime().nullable(),
  /** Where a full pass that broke off goes on: orders from this instant. */
  next: z.iso.datetime().nullable(),
  /** When the last two months were listed again. */
  rescannedAt: z.iso.datetime().nullable(),
  open: openSchema,
});
type Cursor = z.output<typeof cursorSchema>;

const UPSERT = { kind: 'upsert' } as const;

interface Pass {
  readonly plan: Plan<Cursor>;
  readonly api: OzonApi;
  readonly open: OpenPostings;
  /** The first order to list. */
  readonly from: Date;
  /** Whether everything that may change is listed anyway. */
  readonly isRescan: boolean;
}

async function* readOrders({ plan, api, open, from, isRescan }: Pass): AsyncGenerator<Page<Cursor>> {
  const until = plan.until.toISOString();
  const isFull = plan.type !== 'incremental' || plan.since === null;
  for (const window of windowsOf(from, plan.until)) {
    const problems: ErrorReport[] = [];
    const filter = { since: window.from.toISOString(), to: window.to.toISOString() };
    for await (const { rows, doubt } of listPostings(api, LIST, filter)) {
      for (const row of rows) open.note(row);
      if (doubt !== null) problems.push(doubt);
      yield { records: rows, mode: UPSERT };
    }
    if (problems.length > 0) {
      yield { records: [], mode: UPSERT, problems };
      return;
    }
    if (window.isLast) break;
    if (isFull) {
      const checkpoint = { mark: null, next: window.to.toISOString(), rescannedAt: null, open: open.state() };
      yield { records: [], mode: UPSERT, checkpoint };
    }
  }
  if (!isFull) yield* readUnseen(api, open);
  const rescannedAt = isRescan ? until : (plan.cursor?.rescannedAt ?? null);
  yield { records: [], mode: UPSERT, checkpoint: { mark: until, next: null, rescannedAt, open: open.state() } };
}

async function* readUnseen(api: OzonApi, open: OpenPostings): AsyncGenerator<Page<Cursor>> {
  for await (const { rows } of postingsNamed(api, LIST, open.unseen())) {
    for (const row of rows) open.note(row);
    yield { records: rows, mode: UPSERT };
  }
  for (const number of open.unseen()) open.forget(number);
}

function passOf(plan: Plan<Cursor>, context: Context): Pass {
  const { type, since, until, cursor } = plan;
  const api = createOzonApi(context);
  if (type !== 'incremental' || since === null || cursor === null) {
    const next = cursor?.next ?? null;
    const open = createOpenPostings(cursor?.open ?? NONE_OPEN);
    const from = next === null ? (since ?? firstOrder(context.settings, until)) : new Date(next);
    return { plan, api, open, from, isRescan: true };
  }
  const { rescannedAt, open: stored } = cursor;
  // Everything from there on is listed anyway, and says itself what is open.
  const open = createOpenPostings({ ...stored, from: null });
  const isRescan = rescannedAt === null || until.getTime() - Date.parse(rescannedAt) >= RESCAN_EVERY_MS;
  const starts = [
    since.getTime(),
    ...(isRescan ? [until.getTime() - RESCAN_MS] : []),
    ...(stored.from === null ? [] : [Date.parse(stored.from)]),
  ];
  return { plan, api, open, from: new Date(Math.min(...starts)), isRescan };
}

export const fboPostings = defineStream<OzonCredential, OzonSettings, 'order', Cursor>({
  name: 'fbo_postings',
  kind: 'order',
  owner: 'user',
  defaultIntervalMinutes: 30,
  fullEveryMs: 30 * DAY_MS,
  lookbackMs: HOUR_MS,
  readAhead: true,
  typicalCost: 3,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ mark }) => (mark === null ? null : new Date(mark)),
  read: (plan, context) => readOrders(passOf(plan, context)),
  parse: parseFboPosting,
  keyOf: (raw) => keyIn(raw, 'posting_number'),
});
