// Prices in the table `prices`.

import type { PriceRecord } from '../../core/records.ts';
import { decimal, instant, json, text, type RecordTable } from './record-table.ts';

export const pricesTable: RecordTable<PriceRecord> = {
  name: 'prices',
  keyColumns: ['price_key'],
  keyOf: (price) => price.priceKey,
  columns: [
    text('price_key', (price) => price.priceKey),
    text('product_key', (price) => price.productKey),
    text('offer_code', (price) => price.offerCode),
    text('variant_key', (price) => price.variantKey),
    decimal('price', (price) => price.price),
    decimal('discounted_price', (price) => price.discountedPrice),
    decimal('club_price', (price) => price.clubPrice),
    decimal('min_price', (price) => price.minPrice),
    text('currency', (price) => price.currency),
    decimal('discount_percent', (price) => price.discountPercent),
    json('details', (price) => price.details),
    instant('source_updated_at', (price) => price.sourceUpdatedAt),
  ],
  dirtyInstants: [],
};
