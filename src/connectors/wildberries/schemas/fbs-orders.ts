// Orders that the seller assembles, with the statuses that the stream asked for beside them.

import { z } from 'zod';
import type { AssemblyOrderRecord, OrderStatus } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, idText, instant, maybeText, minorUnits } from '../../toolkit/scalars.ts';

/** ISO 4217 numbers of the countries in which Wildberries sells. */
const CURRENCIES: Readonly<Record<string, string>> = {
  '51': 'AMD',
  '156': 'CNY',
  '398': 'KZT',
  '417': 'KGS',
  '643': 'RUB',
  '840': 'USD',
  '860': 'UZS',
  '933': 'BYN',
  '944': 'AZN',
  '949': 'TRY',
  '972': 'TJS',
  '978': 'EUR',
  '981': 'GEL',
};

const orderSchema = z.object({
  id: idText,
  rid: idText,
  orderUid: maybeText,
  createdAt: instant,
  nmId: idText.nullish(),
  chrtId: idText.nullish(),
  skus: z.array(z.string()).nullish(),
  article: maybeText,
  price: minorUnits.nullish(),
  convertedPrice: minorUnits.nullish(),
  currencyCode: count.nullish(),
  convertedCurrencyCode: count.nullish(),
  warehouseId: idText.nullish(),
  supplyId: maybeText,
  cargoType: count.nullish(),
  isZeroOrder: z.boolean().nullish(),
  options: z.object({ isB2B: z.boolean().nullish() }).nullish(),
  supplierStatus: maybeText,
  wbStatus: maybeText,
});

const CANCELLED: ReadonlySet<string> = new Set(['canceled', 'canceled_by_client', 'declined_by_client', 'defect']);
const BY_SUPPLIER: Readonly<Record<string, OrderStatus>> = {
  new: 'new',
  confirm: 'processing',
  complete: 'delivering',
  cancel: 'cancelled',
};

/** Both sides of it in one word; null: the platform said nothing. */
export function statusOf(supplierStatus: string | null, wbStatus: string | null): OrderStatus | null {
  if (wbStatus === 'sold') return 'delivered';
  if (wbStatus !== null && CANCELLED.has(wbStatus)) return 'cancelled';
  return supplierStatus === null ? null : (BY_SUPPLIER[supplierStatus] ?? 'processing');
}

export function isFinal(supplierStatus: string | null, wbStatus: string | null): boolean {
  const status = statusOf(supplierStatus, wbStatus);
  return status === 'delivered' || status === 'cancelled';
}

const currencyOf = (code: number | null | undefined): string | null =>
  code == null ? null : (CURRENCIES[code] ?? null);

export function parseFbsOrder(raw: unknown): AssemblyOrderRecord {
  const row = parseRecord(orderSchema, raw);
  const currency = currencyOf(row.currencyCode);
  return {
    orderKey: row.rid,
    assemblyId: row.id,
    orderGroup: row.orderUid,
    status: statusOf(row.supplierStatus, row.wbStatus),
    supplierStatus: row.supplierStatus,
    platformStatus: row.wbStatus,
    orderedAt: row.createdAt,
    productKey: row.nmId ?? null,
    variantKey: row.chrtId ?? null,
    offerCode: row.article,
    warehouseKey: row.warehouseId ?? null,
    supplyKey: row.supplyId,
    // An amount of a currency that we cannot name is no amount; the details keep it.
    amount: currency === null ? null : (row.price ?? null),
    currency,
    details: {
      skus: row.skus ?? [],
      price: row.price ?? null,
      currencyCode: row.currencyCode ?? null,
      convertedPrice: row.convertedPrice ?? null,
      convertedCurrency: currencyOf(row.convertedCurrencyCode),
      cargoType: row.cargoType ?? null,
      isZeroOrder: row.isZeroOrder ?? null,
      isB2b: row.options?.isB2B ?? null,
    },
    sourceUpdatedAt: null,
  };
}
