// Supplies to the platform's warehouses: the list of those that changed, then two requests for each of them.

import { z } from 'zod';
import { DAY_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Plan } from '../../contract/stream.ts';
import { moscowDay } from '../../toolkit/moscow.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { createWildberriesApi, type WildberriesApi } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { SUPPLIES, SUPPLY, SUPPLY_GOODS } from '../endpoints.ts';
import { parseSupply, supplyKey } from '../schemas/supplies.ts';
import type { WildberriesSettings } from '../settings.ts';

/** Each supply costs two more requests, so a page is small and its place is kept. */
const LIMIT = 50;
const GOODS_LIMIT = 1_000;
/** The platform takes no more boxes than this in one supply. */
const MAX_GOODS_PAGES = 20;

const cursorSchema = z.strictObject({ readTo: z.iso.datetime().nullable(), offset: z.int().min(0).nullable() });
type Cursor = z.output<typeof cursorSchema>;
type Row = Readonly<Record<string, unknown>>;

const rows = z.array(z.record(z.string(), z.unknown()));
const row = z.record(z.string(), z.unknown());

async function goodsOf(api: WildberriesApi, id: string, isPreorderID: boolean): Promise<readonly Row[]> {
  const goods: Row[] = [];
  for (let page = 0; page < MAX_GOODS_PAGES; page += 1) {
    const query = { limit: GOODS_LIMIT, offset: page * GOODS_LIMIT, isPreorderID };
    const answer = (await api.ask(SUPPLY_GOODS, rows, { path: { ID: id }, query })) ?? [];
    goods.push(...answer);
    if (answer.length < GOODS_LIMIT) break;
  }
  return goods;
}

/** A row of the list with its details and goods; without the telephone number that comes with it. */
async function whole(api: WildberriesApi, { phone: _phone, ...listed }: Row): Promise<Row> {
  const own = keyIn(listed, 'supplyID');
  const isPreorder = own === null || own === '0';
  const id = isPreorder ? keyIn(listed, 'preorderID') : own;
  if (id === null) return listed;
  const answer = (await api.ask(SUPPLY, row, { path: { ID: id }, query: { isPreorderID: isPreorder } })) ?? {};
  const { phone: _again, ...details } = answer;
  return { ...listed, ...details, goods: await goodsOf(api, id, isPreorder) };
}

/** Days, both ends included; a full pass asks for all of them. */
function datesOf({ since, until }: Plan<Cursor>): object {
  if (since === null) return {};
  return { dates: [{ from: moscowDay(since), till: moscowDay(until), type: 'updatedDate' }] };
}

export const supplies = defineStream<WildberriesCredential, WildberriesSettings, 'supply', Cursor>({
  name: 'supplies',
  kind: 'supply',
  owner: 'user',
  defaultIntervalMinutes: 120,
  fullEveryMs: 30 * DAY_MS,
  lookbackMs: DAY_MS,
  readAhead: true,
  typicalCost: 3,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ readTo }) => (readTo === null ? null : new Date(readTo)),
  async *read(plan, context) {
    const api = createWildberriesApi(context);
    const readTo = plan.cursor?.readTo ?? null;
    for (let offset = plan.cursor?.offset ?? 0; ; offset += LIMIT) {
      const list = (await api.ask(SUPPLIES, rows, { query: { limit: LIMIT, offset }, body: datesOf(plan) })) ?? [];
      const records: Row[] = [];
      for (const listed of list) records.push(await whole(api, listed));
      const isEnd = list.length < LIMIT;
      const checkpoint = isEnd
        ? { readTo: plan.until.toISOString(), offset: null }
        : { readTo, offset: offset + LIMIT };
      yield { records, mode: { kind: 'upsert' }, checkpoint };
      if (isEnd) return;
    }
  },
  parse: parseSupply,
  keyOf: supplyKey,
});
