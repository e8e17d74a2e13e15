// Orders as statistics tell them: half an hour late, without those that are not paid yet, and corrected for a day.

import { defineStream } from '../../contract/connector.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { readChanges, STATISTICS, type ChangeCursor } from '../changes.ts';
import type { WildberriesCredential } from '../credential.ts';
import { ORDERS } from '../endpoints.ts';
import { parseOrder } from '../schemas/statistics.ts';
import type { WildberriesSettings } from '../settings.ts';

export const orders = defineStream<WildberriesCredential, WildberriesSettings, 'order_statistics', ChangeCursor>({
  name: 'orders',
  kind: 'order_statistics',
  ...STATISTICS,
  read: (plan, context) => readChanges(ORDERS, plan, context),
  parse: parseOrder,
  keyOf: (raw) => keyIn(raw, 'srid'),
});
