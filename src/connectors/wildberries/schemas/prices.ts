// Prices by size, in whole units of the currency.

import { z } from 'zod';
import type { PriceRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { decimalText, idText, maybeText } from '../../toolkit/scalars.ts';

const priceSchema = z.object({
  nmID: idText,
  vendorCode: maybeText,
  currencyIsoCode4217: z.string().regex(/^[A-Z]{3}$/, 'expected an ISO currency'),
  discount: decimalText.nullish(),
  clubDiscount: decimalText.nullish(),
  isBadTurnover: z.boolean().nullish(),
  /** One of the good's sizes; the stream makes a record of each. */
  size: z.object({
    sizeID: idText,
    techSizeName: maybeText,
    price: decimalText,
    discountedPrice: decimalText.nullish(),
    clubDiscountedPrice: decimalText.nullish(),
  }),
});

export function priceKey(raw: unknown): string | null {
  const row = z.object({ nmID: idText, size: z.object({ sizeID: idText }) }).safeParse(raw).data;
  return row === undefined ? null : `${row.nmID}:${row.size.sizeID}`;
}

export function parsePrice(raw: unknown): PriceRecord {
  const { size, ...row } = parseRecord(priceSchema, raw);
  return {
    priceKey: `${row.nmID}:${size.sizeID}`,
    productKey: row.nmID,
    offerCode: row.vendorCode,
    variantKey: size.sizeID,
    price: size.price,
    discountedPrice: size.discountedPrice ?? null,
    clubPrice: size.clubDiscountedPrice ?? null,
    minPrice: null,
    currency: row.currencyIsoCode4217,
    discountPercent: row.discount ?? null,
    details: {
      size: size.techSizeName,
      clubDiscountPercent: row.clubDiscount ?? null,
      isBadTurnover: row.isBadTurnover ?? null,
    },
    sourceUpdatedAt: null,
  };
}
