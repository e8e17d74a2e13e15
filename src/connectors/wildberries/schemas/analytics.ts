// How a card did on one day, as the sales funnel tells it.

import { z } from 'zod';
import type { ProductDayRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, day, decimalText, idText, maybeText } from '../../toolkit/scalars.ts';

const daySchema = z.object({
  /** Of the whole answer; the stream puts them beside each row. */
  day,
  currency: z.string().regex(/^[A-Z]{3}$/, 'expected an ISO currency'),
  product: z.object({ nmId: idText, vendorCode: maybeText }),
  statistic: z.object({
    selected: z.object({
      openCount: count,
      cartCount: count,
      orderCount: count,
      orderSum: decimalText,
      buyoutCount: count,
      buyoutSum: decimalText,
      cancelCount: count.nullish(),
      cancelSum: decimalText.nullish(),
      addToWishlist: count.nullish(),
    }),
  }),
});

export function dayKey(raw: unknown): string | null {
  const row = z.object({ day, product: z.object({ nmId: idText }) }).safeParse(raw).data;
  return row === undefined ? null : `${row.product.nmId}:${row.day}`;
}

/** Nothing happened to it on that day; most of a catalogue is like that. */
export function isIdle(raw: unknown): boolean {
  const selected = daySchema.safeParse(raw).data?.statistic.selected;
  return (
    selected !== undefined && Object.values(selected).every((value) => value == null || value === 0 || value === '0')
  );
}

export function parseProductDay(raw: unknown): ProductDayRecord {
  const row = parseRecord(daySchema, raw);
  const { selected } = row.statistic;
  return {
    productKey: row.product.nmId,
    statDate: row.day,
    views: selected.openCount,
    cartAdds: selected.cartCount,
    orders: selected.orderCount,
    ordersAmount: selected.orderSum,
    buyouts: selected.buyoutCount,
    buyoutsAmount: selected.buyoutSum,
    cancels: selected.cancelCount ?? null,
    returns: null,
    currency: row.currency,
    details: { wishlistAdds: selected.addToWishlist ?? null, cancelsAmount: selected.cancelSum ?? null },
    sourceUpdatedAt: null,
  };
}
