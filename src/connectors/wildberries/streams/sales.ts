// Sales and returns as statistics tell them. An order may have both, so their own id is the key.

import { defineStream } from '../../contract/connector.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { readChanges, STATISTICS, type ChangeCursor } from '../changes.ts';
import type { WildberriesCredential } from '../credential.ts';
import { SALES } from '../endpoints.ts';
import { parseSale } from '../schemas/statistics.ts';
import type { WildberriesSettings } from '../settings.ts';

export const sales = defineStream<WildberriesCredential, WildberriesSettings, 'sale', ChangeCursor>({
  name: 'sales',
  kind: 'sale',
  ...STATISTICS,
  read: (plan, context) => readChanges(SALES, plan, context),
  parse: parseSale,
  keyOf: (raw) => keyIn(raw, 'saleID'),
});
