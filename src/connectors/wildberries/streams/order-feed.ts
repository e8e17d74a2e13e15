// The feed of orders: real time, with those that are not paid yet, each with its present status. It is asked by the instant of
// that status, in windows of at most 31 days, newest first; all pages of a window are of one snapshot.

import { z } from 'zod';
import { DAY_MS, HOUR_MS } from '../../../core/duration.ts';
import { AppError } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { pagesOf } from '../../toolkit/pages.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { windowsOf, type TimeWindow } from '../../toolkit/windows.ts';
import { createWildberriesApi, type Context } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { ORDER_FEED } from '../endpoints.ts';
import { parseFeedOrder } from '../schemas/order-feed.ts';
import type { WildberriesSettings } from '../settings.ts';

const WINDOW_MS = 31 * DAY_MS;
/** How far a full pass goes back: as far as statistics do. */
const HISTORY_MS = 90 * DAY_MS;
const LIMIT = 10_000;

const cursorSchema = z.strictObject({
  /** Every change up to here is stored. */
  readTo: z.iso.datetime().nullable(),
  /** Inside a window: its snapshot, and the rows of it that are stored. */
  at: z
    .strictObject({ from: z.iso.datetime(), to: z.iso.datetime(), snapshotTime: z.string(), offset: z.int().min(0) })
    .nullable(),
});

type Cursor = z.output<typeof cursorSchema>;

const answerSchema = z.object({
  data: z.object({
    snapshotTime: z.string().min(1),
    currency: z.string(),
    orders: z.array(z.record(z.string(), z.unknown())),
  }),
});

/** What is left to read, oldest first; a window that was begun comes first, from where it was left. */
function windowsLeft({ cursor, since, until }: Plan<Cursor>): readonly TimeWindow[] {
  const begun = cursor?.at ?? null;
  if (begun !== null) {
    const window = { from: new Date(begun.from), to: new Date(begun.to) };
    return [window, ...windowsOf({ from: window.to, to: until }, WINDOW_MS)];
  }
  return windowsOf({ from: since ?? new Date(until.getTime() - HISTORY_MS), to: until }, WINDOW_MS);
}

async function* readWindow(
  { from, to }: TimeWindow,
  cursor: Cursor | null,
  context: Context,
): AsyncGenerator<Page<Cursor>> {
  const api = createWildberriesApi(context);
  const period = { from: from.toISOString(), to: to.toISOString() };
  const begun = cursor?.at?.from === period.from ? cursor.at : null;
  let snapshotTime = begun?.snapshotTime;
  for (let offset = begun?.offset ?? 0; ; offset += LIMIT) {
    const body = {
      selectedPeriod: { start: period.from, end: period.to },
      pagination: { ...(snapshotTime === undefined ? {} : { snapshotTime }), offset, limit: LIMIT },
    };
    const answer = await api.ask(ORDER_FEED, answerSchema, { body });
    if (answer === null) throw new AppError('platform.answer_invalid', 'expected a page of the feed, got none');
    const { orders, currency } = answer.data;
    snapshotTime ??= answer.data.snapshotTime;
    const isEnd = orders.length < LIMIT;
    for (const { records, isLast } of pagesOf(orders)) {
      const at = { ...period, snapshotTime, offset: offset + LIMIT };
      const checkpoint = isEnd ? { readTo: period.to, at: null } : { readTo: cursor?.readTo ?? null, at };
      yield {
        records: records.map((row) => ({ ...row, currency })),
        mode: { kind: 'upsert' },
        ...(isLast ? { checkpoint } : {}),
      };
    }
    if (isEnd) return;
  }
}

export const orderFeed = defineStream<WildberriesCredential, WildberriesSettings, 'order_feed', Cursor>({
  name: 'order_feed',
  kind: 'order_feed',
  owner: 'user',
  defaultIntervalMinutes: 15,
  fullEveryMs: 30 * DAY_MS,
  lookbackMs: HOUR_MS,
  readAhead: true,
  typicalCost: 1,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ readTo }) => (readTo === null ? null : new Date(readTo)),
  async *read(plan, context) {
    for (const window of windowsLeft(plan)) yield* readWindow(window, plan.cursor, context);
  },
  parse: parseFeedOrder,
  keyOf: (raw) => keyIn(raw, 'srid'),
});
