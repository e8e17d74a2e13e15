// Orders as statistics tell them: half an hour late, without those that are not paid yet, and corrected for a day.

import { DAY_MS, HOUR_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { cursorSchema, markOf, readChanges, type ChangeCursor } from '../changes.ts';
import type { WildberriesCredential } from '../credential.ts';
import { ORDERS } from '../endpoints.ts';
import { parseOrder } from '../schemas/statistics.ts';
import type { WildberriesSettings } from '../settings.ts';

export const orders = defineStream<WildberriesCredential, WildberriesSettings, 'order_statistics', ChangeCursor>({
  name: 'orders',
  kind: 'order_statistics',
  owner: 'user',
  defaultIntervalMinutes: 30,
  fullEveryMs: 30 * DAY_MS,
  // Amounts are filled in for up to a day, and nobody promises that this is a change.
  lookbackMs: 26 * HOUR_MS,
  readAhead: true,
  typicalCost: 1,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: markOf,
  read: (plan, context) => readChanges(ORDERS, plan, context),
  parse: parseOrder,
  keyOf: (raw) => keyIn(raw, 'srid'),
});
