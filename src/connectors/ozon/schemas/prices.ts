// What a product costs.

import { z } from 'zod';
import type { PriceRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { idText, maybeText } from '../../toolkit/scalars.ts';
import { maybeDecimal } from './scalars.ts';

const priceSchema = z.object({
  product_id: idText,
  offer_id: maybeText,
  acquiring: maybeDecimal,
  volume_weight: maybeDecimal,
  price: z.object({
    price: maybeDecimal,
    old_price: maybeDecimal,
    min_price: maybeDecimal,
    net_price: maybeDecimal,
    marketing_seller_price: maybeDecimal,
    retail_price: maybeDecimal,
    currency_code: z.string().regex(/^[A-Z]{3}$/, 'expected an ISO currency'),
    vat: maybeDecimal,
    auto_action_enabled: z.boolean().nullish(),
  }),
  commissions: z.record(z.string(), maybeDecimal).nullish(),
  price_indexes: z.object({ color_index: maybeText }).nullish(),
  marketing_actions: z.object({ ozon_actions_exist: z.boolean().nullish() }).nullish(),
});

/** Zero stands for a price that was never set. */
const set = (amount: string | null): string | null => (amount === '0' ? null : amount);

/** Throws `record.invalid`. */
export function parsePrice(raw: unknown): PriceRecord {
  const { product_id: productKey, offer_id: offerCode, price, ...rest } = parseRecord(priceSchema, raw);
  return {
    sourceUpdatedAt: null,
    priceKey: productKey,
    productKey,
    offerCode,
    variantKey: null,
    price: set(price.old_price) ?? set(price.price),
    discountedPrice: set(price.price),
    clubPrice: null,
    minPrice: set(price.min_price),
    currency: price.currency_code,
    discountPercent: null,
    details: {
      netPrice: set(price.net_price),
      sellerActionsPrice: set(price.marketing_seller_price),
      retailPrice: set(price.retail_price),
      vat: price.vat,
      isAutoAction: price.auto_action_enabled ?? null,
      acquiring: rest.acquiring,
      volumeWeight: rest.volume_weight,
      commissions: rest.commissions ?? {},
      colorIndex: rest.price_indexes?.color_index ?? null,
      hasPlatformActions: rest.marketing_actions?.ozon_actions_exist ?? null,
    },
  };
}
