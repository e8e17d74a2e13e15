// Buyers' claims, and goods on their way back to the seller.

import { z } from 'zod';
import type { ReturnRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, decimalText, idText, maybeText, moscowInstant } from '../../toolkit/scalars.ts';

const CLAIM_STATUSES: Readonly<Record<number, ReturnRecord['status']>> = { 0: 'open', 1: 'rejected', 2: 'approved' };

const claimSchema = z.object({
  id: idText,
  status: count,
  status_ex: count.nullish(),
  claim_type: count.nullish(),
  nm_id: idText.nullish(),
  user_comment: maybeText,
  wb_comment: maybeText,
  dt: moscowInstant,
  dt_update: moscowInstant,
  order_dt: moscowInstant,
  imt_name: maybeText,
  price: decimalText.nullish(),
  currency_code: maybeText,
  srid: maybeText,
  photos: z.array(z.unknown()).nullish(),
  actions: z.array(z.string()).nullish(),
  /** The list that it came from. */
  isArchived: z.boolean(),
});

export function claimKey(raw: unknown): string | null {
  const id = z.object({ id: idText }).safeParse(raw).data?.id;
  return id === undefined ? null : `claim:${id}`;
}

/** Claims name the currency by its number; roubles in practice. */
function currencyOf(code: string | null): string | null {
  if (code === null || code === '643') return 'RUB';
  return /^[A-Z]{3}$/.test(code) ? code : null;
}

export function parseClaim(raw: unknown): ReturnRecord {
  const row = parseRecord(claimSchema, raw);
  const currency = currencyOf(row.currency_code);
  return {
    returnKey: `claim:${row.id}`,
    kind: 'claim',
    orderKey: row.srid,
    productKey: row.nm_id ?? null,
    offerCode: null,
    status: CLAIM_STATUSES[row.status] ?? null,
    platformStatus: String(row.status),
    reason: row.claim_type == null ? null : String(row.claim_type),
    comment: row.user_comment,
    quantity: 1,
    amount: currency === null ? null : (row.price ?? null),
    currency,
    openedAt: row.dt,
    statusChangedAt: row.dt_update,
    details: {
      statusEx: row.status_ex ?? null,
      platformComment: row.wb_comment,
      title: row.imt_name,
      orderedAt: row.order_dt?.toISOString() ?? null,
      photos: row.photos?.length ?? 0,
      actions: row.actions ?? [],
      isArchived: row.isArchived,
    },
    sourceUpdatedAt: row.dt_update,
  };
}

const goodsReturnSchema = z.object({
  shkId: idText,
  srid: maybeText,
  orderId: idText.nullish(),
  nmId: idText.nullish(),
  barcode: maybeText,
  brand: maybeText,
  subjectName: maybeText,
  techSize: maybeText,
  status: maybeText,
  isStatusActive: count.nullish(),
  reason: maybeText,
  returnType: maybeText,
  orderDt: moscowInstant,
  completedDt: moscowInstant,
  expiredDt: moscowInstant,
  readyToReturnDt: moscowInstant,
  dstOfficeId: idText.nullish(),
  dstOfficeAddress: maybeText,
  stickerId: maybeText,
});

/** The same piece may come back more than once, for one order after the other. */
export function goodsReturnKey(raw: unknown): string | null {
  const row = z.object({ shkId: idText, srid: maybeText }).safeParse(raw).data;
  return row === undefined ? null : `goods:${row.shkId}:${row.srid ?? ''}`;
}

type GoodsReturn = z.output<typeof goodsReturnSchema>;

function statusOf({ completedDt, readyToReturnDt, isStatusActive }: GoodsReturn): ReturnRecord['status'] {
  if (completedDt !== null) return 'received';
  if (isStatusActive === 0) return 'closed';
  return readyToReturnDt === null ? 'in_transit' : 'approved';
}

export function parseGoodsReturn(raw: unknown): ReturnRecord {
  const row = parseRecord(goodsReturnSchema, raw);
  return {
    returnKey: `goods:${row.shkId}:${row.srid ?? ''}`,
    kind: 'return',
    orderKey: row.srid,
    productKey: row.nmId ?? null,
    offerCode: null,
    status: statusOf(row),
    platformStatus: row.status,
    reason: row.reason,
    comment: null,
    quantity: 1,
    amount: null,
    currency: null,
    openedAt: row.orderDt,
    statusChangedAt: row.completedDt ?? row.readyToReturnDt,
    details: {
      returnType: row.returnType,
      barcode: row.barcode,
      size: row.techSize,
      subject: row.subjectName,
      brand: row.brand,
      stickerId: row.stickerId,
      officeId: row.dstOfficeId ?? null,
      expiresAt: row.expiredDt?.toISOString() ?? null,
    },
    sourceUpdatedAt: null,
  };
}
