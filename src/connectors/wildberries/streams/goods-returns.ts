// Goods on their way back to the seller, by the day of their order, a month at a time. Their state changes for weeks, so each
// pass reads the last month again.

import { z } from 'zod';
import { DAY_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Plan } from '../../contract/stream.ts';
import { moscowDay } from '../../toolkit/moscow.ts';
import { pagesOf } from '../../toolkit/pages.ts';
import { windowsOf } from '../../toolkit/windows.ts';
import { createWildberriesApi } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { GOODS_RETURN } from '../endpoints.ts';
import { goodsReturnKey, parseGoodsReturn } from '../schemas/returns.ts';
import type { WildberriesSettings } from '../settings.ts';

/** Both ends are included. */
const WINDOW_MS = 30 * DAY_MS;
const HISTORY_MS = 360 * DAY_MS;

const cursorSchema = z.strictObject({ readTo: z.iso.datetime(), isDone: z.boolean() });
type Cursor = z.output<typeof cursorSchema>;

const answerSchema = z.object({ report: z.array(z.unknown()).nullish() });

function startOf({ cursor, since, until, type }: Plan<Cursor>): Date {
  if (cursor !== null && !cursor.isDone) return new Date(cursor.readTo);
  if (type === 'backfill' && since !== null) return since;
  const back = cursor === null || type === 'full' ? HISTORY_MS : WINDOW_MS;
  const from = new Date(until.getTime() - back);
  return since !== null && since < from ? since : from;
}

export const goodsReturns = defineStream<WildberriesCredential, WildberriesSettings, 'return', Cursor>({
  name: 'goods_returns',
  kind: 'return',
  owner: 'user',
  defaultIntervalMinutes: 6 * 60,
  fullEveryMs: 90 * DAY_MS,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 1,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ readTo }) => new Date(readTo),
  async *read(plan, context) {
    const api = createWildberriesApi(context);
    for (const { from, to } of windowsOf({ from: startOf(plan), to: plan.until }, WINDOW_MS)) {
      const query = { dateFrom: moscowDay(from), dateTo: moscowDay(to) };
      const answer = await api.ask(GOODS_RETURN, answerSchema, { query });
      for (const { records, isLast } of pagesOf(answer?.report ?? [])) {
        const checkpoint = { readTo: to.toISOString(), isDone: to >= plan.until };
        yield { records, mode: { kind: 'upsert' }, ...(isLast ? { checkpoint } : {}) };
      }
    }
  },
  parse: parseGoodsReturn,
  keyOf: goodsReturnKey,
});
