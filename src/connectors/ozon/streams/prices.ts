// Prices of all products: a whole snapshot, because nothing says which of them changed.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import type { OzonCredential } from '../credential.ts';
import { parsePrice } from '../schemas/products.ts';
import type { OzonSettings } from '../settings.ts';
import { cursorSchema, readSnapshot, type Cursor, type Snapshot } from '../snapshot.ts';

const LIMIT = 1_000;

const answerSchema = z.object({
  items: z.array(z.record(z.string(), z.unknown())).nullish(),
  cursor: z.string().nullish(),
});

const SNAPSHOT: Snapshot = {
  key: 'prices',
  async ask(api, place) {
    const body = { cursor: place, limit: LIMIT, filter: { visibility: 'ALL' } };
    const { items, cursor } = await api.call('/v5/product/info/prices', body, answerSchema);
    return { records: items ?? [], next: cursor ?? null, hasNext: null };
  },
  recordsOf: (rows) => rows,
};

export const prices = defineStream<OzonCredential, OzonSettings, 'price', Cursor>({
  name: 'prices',
  kind: 'price',
  owner: 'user',
  defaultIntervalMinutes: 60,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: () => null,
  read: (plan, context) => readSnapshot(SNAPSHOT, plan, context),
  parse: parsePrice,
  keyOf: (raw) => keyIn(raw, 'product_id'),
});
