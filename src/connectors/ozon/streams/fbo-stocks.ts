// What lies in the platform's warehouses, by sku and warehouse: a whole snapshot. The method wants skus, a hundred at a time; the
// list of stocks tells which there are.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import type { OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { fboStockKey, parseFboStock } from '../schemas/products.ts';
import type { OzonSettings } from '../settings.ts';
import { cursorSchema, readSnapshot, type Cursor, type Snapshot } from '../snapshot.ts';
import { bySchemes, isAtPlatform, listStocks } from '../stock-list.ts';

const SKUS = 100;

type Row = Readonly<Record<string, unknown>>;

const answerSchema = z.object({ items: z.array(z.record(z.string(), z.unknown())).nullish() });

async function stocksOf(rows: readonly Row[], api: OzonApi): Promise<readonly Row[]> {
  const found = rows.flatMap(bySchemes).filter(isAtPlatform);
  const skus = [...new Set(found.map(({ stock }) => keyIn(stock, 'sku')).filter((sku) => sku !== null))];
  const records: Row[] = [];
  for (let at = 0; at < skus.length; at += SKUS) {
    const body = { skus: skus.slice(at, at + SKUS) };
    records.push(...((await api.call('/v1/analytics/stocks', body, answerSchema)).items ?? []));
  }
  return records;
}

const SNAPSHOT: Snapshot = { key: 'platform', ask: listStocks, recordsOf: stocksOf };

export const fboStocks = defineStream<OzonCredential, OzonSettings, 'stock', Cursor>({
  name: 'fbo_stocks',
  kind: 'stock',
  owner: 'user',
  defaultIntervalMinutes: 60,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 12,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: () => null,
  read: (plan, context) => readSnapshot(SNAPSHOT, plan, context),
  parse: parseFboStock,
  keyOf: fboStockKey,
});
