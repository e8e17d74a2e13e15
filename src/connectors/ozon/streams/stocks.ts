// What the seller keeps himself, by product and scheme: a whole snapshot. What lies at the platform is the stream `fbo_stocks`,
// so that nothing is counted twice.

import { defineStream } from '../../contract/connector.ts';
import type { OzonCredential } from '../credential.ts';
import { parseSellerStock, sellerStockKey } from '../schemas/products.ts';
import type { OzonSettings } from '../settings.ts';
import { cursorSchema, readSnapshot, type Cursor, type Snapshot } from '../snapshot.ts';
import { bySchemes, isAtPlatform, listStocks } from '../stock-list.ts';

const SNAPSHOT: Snapshot = {
  key: 'seller',
  ask: listStocks,
  recordsOf: (rows) => rows.flatMap(bySchemes).filter((row) => !isAtPlatform(row)),
};

export const stocks = defineStream<OzonCredential, OzonSettings, 'stock', Cursor>({
  name: 'stocks',
  kind: 'stock',
  owner: 'user',
  defaultIntervalMinutes: 30,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: () => null,
  read: (plan, context) => readSnapshot(SNAPSHOT, plan, context),
  parse: parseSellerStock,
  keyOf: sellerStockKey,
});
