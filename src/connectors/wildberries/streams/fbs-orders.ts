// Orders that the seller assembles. The list carries no status and knows no "changed since", so each pass begins at the oldest
// order that was still open, and asks for the status of everything from there on: two requests for a thousand orders.

import { z } from 'zod';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../../core/duration.ts';
import { AppError } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { exactNumber } from '../../toolkit/exact-json.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { idText, instant } from '../../toolkit/scalars.ts';
import { windowsOf, type TimeWindow } from '../../toolkit/windows.ts';
import { createWildberriesApi, type Context, type WildberriesApi } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { FBS_ORDERS, FBS_STATUSES } from '../endpoints.ts';
import { isFinal, parseFbsOrder } from '../schemas/fbs-orders.ts';
import type { WildberriesSettings } from '../settings.ts';

const WINDOW_MS = 30 * DAY_MS;
/** The list goes back three months; what is older lies in the archive. */
const HISTORY_MS = 90 * DAY_MS;
const LIMIT = 1_000;

const cursorSchema = z.strictObject({
  readTo: z.iso.datetime().nullable(),
  /** When the oldest order was placed that is not final; null: none is open. */
  openFrom: z.iso.datetime().nullable(),
  /** Inside a pass: the window in hand, and the platform's place in it. */
  at: z.strictObject({ from: z.iso.datetime(), to: z.iso.datetime(), next: z.string() }).nullable(),
});

type Cursor = z.output<typeof cursorSchema>;
type Row = Readonly<Record<string, unknown>>;

const listSchema = z.object({ next: idText, orders: z.array(z.record(z.string(), z.unknown())) });
const statusSchema = z.object({
  orders: z.array(z.object({ id: idText, supplierStatus: z.string().nullish(), wbStatus: z.string().nullish() })),
});

interface Statuses {
  readonly supplierStatus: string | null;
  readonly wbStatus: string | null;
}

const UNKNOWN: Statuses = { supplierStatus: null, wbStatus: null };

async function statusesOf(api: WildberriesApi, orders: readonly Row[]): Promise<ReadonlyMap<string, Statuses>> {
  const ids = orders.map((order) => keyIn(order, 'id')).filter((id) => id !== null && /^\d+$/.test(id));
  if (ids.length === 0) return new Map();
  const answer = await api.ask(FBS_STATUSES, statusSchema, { body: { orders: ids.map((id) => exactNumber(id!)) } });
  return new Map(
    answer?.orders.map(({ id, supplierStatus, wbStatus }) => [
      id,
      { supplierStatus: supplierStatus ?? null, wbStatus: wbStatus ?? null },
    ]),
  );
}

/** An order as it is stored raw: with its statuses, without the address of the buyer. */
function joined({ address: _address, ...order }: Row, statuses: ReadonlyMap<string, Statuses>): Row {
  return { ...order, ...(statuses.get(keyIn(order, 'id') ?? '') ?? UNKNOWN) };
}

function oldestOpen(rows: readonly Row[]): string | null {
  let oldest: string | null = null;
  for (const row of rows) {
    const at = instant.safeParse(row['createdAt']).data?.toISOString();
    const { supplierStatus, wbStatus } = row as unknown as Statuses;
    if (at !== undefined && !isFinal(supplierStatus, wbStatus) && (oldest === null || at < oldest)) oldest = at;
  }
  return oldest;
}

function earlier(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

function startOf({ cursor, since, until, type }: Plan<Cursor>): Date {
  const oldest = until.getTime() - HISTORY_MS;
  if (type === 'backfill') return since ?? new Date(oldest);
  if (since === null || cursor === null) return new Date(oldest);
  const open = cursor.openFrom === null ? since.getTime() : Date.parse(cursor.openFrom);
  return new Date(Math.max(oldest, Math.min(open, since.getTime())));
}

interface Progress {
  openFrom: string | null;
}

async function* readWindow(
  { from, to }: TimeWindow,
  begun: string | null,
  {
    context,
    readTo,
    progress,
  }: { readonly context: Context; readonly readTo: string | null; readonly progress: Progress },
): AsyncGenerator<Page<Cursor>> {
  const api = createWildberriesApi(context);
  const bounds = { dateFrom: Math.floor(from.getTime() / SECOND_MS), dateTo: Math.floor(to.getTime() / SECOND_MS) };
  const seen = new Set<string>();
  let next = begun ?? '0';
  for (;;) {
    const list = await api.ask(FBS_ORDERS, listSchema, { query: { limit: LIMIT, next, ...bounds } });
    if (list === null || list.orders.length === 0) return;
    if (seen.has(list.next))
      throw new AppError('platform.answer_invalid', 'expected another page of orders, got the same');
    seen.add(list.next);
    const statuses = await statusesOf(api, list.orders);
    const records = list.orders.map((order) => joined(order, statuses));
    progress.openFrom = earlier(progress.openFrom, oldestOpen(records));
    next = list.next;
    const at = { from: from.toISOString(), to: to.toISOString(), next };
    yield { records, mode: { kind: 'upsert' }, checkpoint: { readTo, openFrom: progress.openFrom, at } };
    // A short page is the end: the next one would be empty.
    if (list.orders.length < LIMIT || next === '0') return;
  }
}

export const fbsOrders = defineStream<WildberriesCredential, WildberriesSettings, 'order_fbs', Cursor>({
  name: 'fbs_orders',
  kind: 'order_fbs',
  owner: 'user',
  defaultIntervalMinutes: 10,
  fullEveryMs: 30 * DAY_MS,
  lookbackMs: HOUR_MS,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ readTo }) => (readTo === null ? null : new Date(readTo)),
  async *read(plan, context) {
    const { cursor, until } = plan;
    const begun = cursor?.at ?? null;
    const progress: Progress = { openFrom: begun === null ? null : (cursor?.openFrom ?? null) };
    const readTo = cursor?.readTo ?? null;
    const first = begun === null ? startOf(plan) : new Date(begun.from);
    for (const [index, window] of windowsOf({ from: first, to: until }, WINDOW_MS).entries()) {
      yield* readWindow(window, index === 0 ? (begun?.next ?? null) : null, { context, readTo, progress });
    }
    const checkpoint = { readTo: until.toISOString(), openFrom: progress.openFrom, at: null };
    yield { records: [], mode: { kind: 'upsert' }, checkpoint };
  },
  parse: parseFbsOrder,
  keyOf: (raw) => keyIn(raw, 'rid'),
});
