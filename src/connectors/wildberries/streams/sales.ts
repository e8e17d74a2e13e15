// Sales and returns as statistics tell them. An order may have both, so their own id is the key.

import { DAY_MS, HOUR_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { cursorSchema, markOf, readChanges, type ChangeCursor } from '../changes.ts';
import type { WildberriesCredential } from '../credential.ts';
import { SALES } from '../endpoints.ts';
import { parseSale } from '../schemas/statistics.ts';
import type { WildberriesSettings } from '../settings.ts';

export const sales = defineStream<WildberriesCredential, WildberriesSettings, 'sale', ChangeCursor>({
  name: 'sales',
  kind: 'sale',
  owner: 'user',
  defaultIntervalMinutes: 30,
  fullEveryMs: 30 * DAY_MS,
  // Amounts are filled in for up to a day, and nobody promises that this is a change.
  lookbackMs: 26 * HOUR_MS,
  readAhead: true,
  typicalCost: 1,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: markOf,
  read: (plan, context) => readChanges(SALES, plan, context),
  parse: parseSale,
  keyOf: (raw) => keyIn(raw, 'saleID'),
});
