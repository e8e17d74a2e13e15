// How a sku did on one day. Figures come by position: the stream names them.

import { z } from 'zod';
import type { ProductDayRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { day, decimalText, idText } from '../../toolkit/scalars.ts';

/** Figures may be whole numbers written with a fraction. */
const whole = decimalText.transform(Number).pipe(z.int('expected a whole number')).nullish();

const daySchema = z.object({
  sku: idText,
  day,
  figures: z.object({
    revenue: decimalText.nullish(),
    ordered_units: whole,
    hits_view: whole,
    hits_tocart: whole,
    returns: whole,
    cancellations: whole,
    delivered_units: whole,
  }),
});

/** The currency in which shops on Ozon are counted. */
const CURRENCY = 'RUB';

export function dayKey(raw: unknown): string | null {
  const row = z.object({ sku: idText, day }).safeParse(raw).data;
  return row === undefined ? null : `${row.sku}:${row.day}`;
}

export function parseProductDay(raw: unknown): ProductDayRecord {
  const { sku, day: statDate, figures } = parseRecord(daySchema, raw);
  return {
    productKey: sku,
    statDate,
    views: figures.hits_view ?? null,
    cartAdds: figures.hits_tocart ?? null,
    orders: figures.ordered_units ?? null,
    ordersAmount: figures.revenue ?? null,
    buyouts: figures.delivered_units ?? null,
    buyoutsAmount: null,
    cancels: figures.cancellations ?? null,
    returns: figures.returns ?? null,
    currency: CURRENCY,
    details: {},
    sourceUpdatedAt: null,
  };
}
