// Prices: all of them each time, a thousand a request; nothing says which of them changed.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { createOzonApi, type Context } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { listPages } from '../pages.ts';
import { parsePrice } from '../schemas/prices.ts';
import { rows } from '../schemas/scalars.ts';
import type { OzonSettings } from '../settings.ts';
import { SNAPSHOT_CURSOR, snapshotPages, type SnapshotCursor, type SnapshotPart } from '../snapshots.ts';

const LIMIT = 1_000;

const answerSchema = z.object({ items: rows, cursor: z.string().nullish(), total: z.number().nullish() });

async function* readPrices(context: Context): AsyncGenerator<SnapshotPart> {
  const api = createOzonApi(context);
  const pages = listPages('prices', LIMIT, async (cursor) => {
    const body = { cursor, limit: LIMIT, filter: { visibility: 'ALL' } };
    const { items, cursor: next, total } = await api.call('/v5/product/info/prices', body, answerSchema);
    return { rows: items, cursor: next ?? '', hasNext: null, total: total ?? null };
  });
  for await (const { rows: records, doubt } of pages) {
    yield { records, problems: doubt === null ? [] : [doubt], isWhole: doubt === null };
  }
}

export const prices = defineStream<OzonCredential, OzonSettings, 'price', SnapshotCursor>({
  name: 'prices',
  kind: 'price',
  owner: 'user',
  defaultIntervalMinutes: 60,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 1,
  cursor: SNAPSHOT_CURSOR,
  highWaterMark: ({ readAt }) => new Date(readAt),
  read: (plan, context) => snapshotPages('prices', plan, readPrices(context)),
  parse: parsePrice,
  keyOf: (raw) => keyIn(raw, 'product_id'),
});
