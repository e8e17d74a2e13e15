// What lies in the platform's warehouses. A row vanishes when nothing is left, so each pass is a whole snapshot.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import { pagesOf } from '../../toolkit/pages.ts';
import { createWildberriesApi } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { WB_STOCKS } from '../endpoints.ts';
import { parseWbStock, wbStockKey } from '../schemas/stocks.ts';
import type { WildberriesSettings } from '../settings.ts';

/** A fifth of what the method gives at most: an answer of a few megabytes. */
const LIMIT = 50_000;

const cursorSchema = z.strictObject({
  /** Rows of the snapshot that are stored; null: it is whole. */
  offset: z.int().min(0).nullable(),
  generation: z.string().min(1),
});

const answerSchema = z.object({ data: z.object({ items: z.array(z.unknown()) }) });

export const stocks = defineStream<WildberriesCredential, WildberriesSettings, 'stock', z.output<typeof cursorSchema>>({
  name: 'stocks',
  kind: 'stock',
  owner: 'user',
  defaultIntervalMinutes: 30,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 1,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: () => null,
  async *read({ cursor, until }, context) {
    const api = createWildberriesApi(context);
    const isResumed = cursor !== null && cursor.offset !== null;
    const generation = isResumed ? cursor.generation : until.toISOString();
    let offset = isResumed ? cursor.offset! : 0;
    for (;;) {
      const answer = await api.ask(WB_STOCKS, answerSchema, { body: { limit: LIMIT, offset } });
      const items = answer?.data.items ?? [];
      const isEnd = items.length < LIMIT;
      for (const { records, isLast } of pagesOf(items)) {
        offset += records.length;
        const close = isEnd && isLast;
        yield {
          records,
          mode: { kind: 'scope', key: 'wb', generation, close },
          checkpoint: { offset: close ? null : offset, generation },
        };
      }
      if (isEnd) return;
    }
  },
  parse: parseWbStock,
  keyOf: wbStockKey,
});
