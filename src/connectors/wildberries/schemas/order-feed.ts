// Orders as the feed sends them: one row an order, with its present status.

import { z } from 'zod';
import type { FeedOrderRecord, OrderStatus } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { decimalText, idText, instant, maybeText } from '../../toolkit/scalars.ts';

const STATUSES: Readonly<Record<string, OrderStatus>> = {
  created: 'new',
  buyout: 'delivered',
  cancel: 'cancelled',
  return: 'returned',
  returnDefective: 'returned',
};

const orderSchema = z.object({
  srid: idText,
  nmId: idText,
  chrtId: idText.nullish(),
  createdAt: instant,
  updatedAt: instant,
  status: z.string().refine((status) => Object.hasOwn(STATUSES, status), 'expected a known status'),
  cancelType: maybeText,
  warehouseName: maybeText,
  isMp: z.boolean(),
  destinationDistrict: maybeText,
  sellerPrice: decimalText,
  /** Of the whole answer; the stream puts it beside each row. */
  currency: z.string().regex(/^[A-Z]{3}$/, 'expected an ISO currency'),
});

export function parseFeedOrder(raw: unknown): FeedOrderRecord {
  const row = parseRecord(orderSchema, raw);
  return {
    orderKey: row.srid,
    status: STATUSES[row.status]!,
    platformStatus: row.status,
    cancelReason: row.cancelType,
    orderedAt: row.createdAt,
    productKey: row.nmId,
    variantKey: row.chrtId ?? null,
    scheme: row.isMp ? 'fbs' : 'fbo',
    warehouseName: row.warehouseName,
    region: row.destinationDistrict,
    amount: row.sellerPrice,
    currency: row.currency,
    sourceUpdatedAt: row.updatedAt,
  };
}
