// Postings: FBS as version 4 of its list sends them, FBO as version 3 of its own. Of the buyer nothing is kept but the region.

import { z } from 'zod';
import { addMoney, multiplyMoney, type Money } from '../../../core/money.ts';
import type { OrderItem, OrderRecord, OrderStatus } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, decimalText, idText, maybeInstant, maybeText } from '../../toolkit/scalars.ts';

const STATUSES: Readonly<Record<string, OrderStatus>> = {
  awaiting_registration: 'new',
  acceptance_in_progress: 'new',
  awaiting_approve: 'new',
  awaiting_packaging: 'processing',
  awaiting_deliver: 'processing',
  sent_by_seller: 'delivering',
  driver_pickup: 'delivering',
  delivering: 'delivering',
  arbitration: 'delivering',
  client_arbitration: 'delivering',
  delivered: 'delivered',
  cancelled: 'cancelled',
  not_accepted: 'cancelled',
};

/** Nothing happens to it any more. */
export function isFinal(status: unknown): boolean {
  return typeof status === 'string' && ['delivered', 'cancelled'].includes(STATUSES[status] ?? '');
}

const currency = z.string().regex(/^[A-Z]{3}$/, 'expected an ISO currency');

/** Money as an object, or as a number of no named currency. */
const moneySchema = z
  .union([z.object({ amount: decimalText, currency: maybeText }), decimalText])
  .nullish()
  .transform((value) => {
    if (value == null) return null;
    return typeof value === 'string' ? { amount: value, currency: null } : value;
  });

const productSchema = z.object({
  sku: idText.nullish(),
  offer_id: maybeText,
  name: maybeText,
  quantity: count,
  price: moneySchema,
  currency_code: maybeText,
});

const paidSchema = z.object({
  product_id: idText.nullish(),
  quantity: count.nullish(),
  customer_price: moneySchema,
  payout: decimalText.nullish(),
  commission: z.object({ amount: decimalText.nullish(), percent: decimalText.nullish() }).nullish(),
});

const postingSchema = z.object({
  posting_number: z.string().min(1),
  order_id: idText.nullish(),
  order_number: maybeText,
  parent_posting_number: maybeText,
  status: z.string().refine((status) => Object.hasOwn(STATUSES, status), 'expected a known status'),
  substatus: maybeText,
  created_at: maybeInstant,
  in_process_at: maybeInstant,
  shipment_date: maybeInstant,
  delivering_date: maybeInstant,
  tpl_integration_type: maybeText,
  is_express: z.boolean().nullish(),
  delivery_method: z
    .object({ warehouse_id: idText.nullish(), warehouse: maybeText, name: maybeText, tpl_provider: maybeText })
    .nullish(),
  analytics_data: z
    .object({
      region: maybeText,
      city: maybeText,
      warehouse_id: idText.nullish(),
      warehouse: maybeText,
      warehouse_name: maybeText,
      is_legal: z.boolean().nullish(),
    })
    .nullish(),
  cancellation: z
    .object({
      cancel_reason: maybeText,
      cancellation_initiator: maybeText,
      cancelled_after_ship: z.boolean().nullish(),
    })
    .nullish(),
  products: z.array(productSchema).nullish(),
  financial_data: z.object({ products: z.array(paidSchema).nullish() }).nullish(),
});

type Posting = z.output<typeof postingSchema>;

const isoOf = (text: string | null | undefined): string | null => currency.safeParse(text).data ?? null;

/** Lines and what was paid for them are two lists of the same order; a line may come twice, so neither sku nor product is a key. */
function itemsOf({ products, financial_data: paid }: Posting): OrderItem[] {
  return (products ?? []).map((line, index) => {
    const money = paid?.products?.[index];
    const { price } = line;
    return {
      productKey: money?.product_id ?? null,
      sku: line.sku ?? null,
      offerCode: line.offer_id,
      name: line.name,
      quantity: line.quantity,
      price: price?.amount ?? null,
      priceCurrency: price === null ? null : isoOf(price.currency ?? line.currency_code),
      paidPrice: money?.customer_price?.amount ?? null,
      paidCurrency: isoOf(money?.customer_price?.currency),
      details: {
        payout: money?.payout ?? null,
        commission: money?.commission?.amount ?? null,
        commissionPercent: money?.commission?.percent ?? null,
      },
    };
  });
}

/** The sum of `price` x quantity; null unless every line has one, all in one currency. */
function sumOf(
  items: readonly OrderItem[],
  priceOf: (item: OrderItem) => { readonly amount: string | null; readonly currency: string | null },
): Money | null {
  let sum: Money | null = null;
  for (const item of items) {
    const { amount, currency: of } = priceOf(item);
    if (amount === null || of === null || (sum !== null && sum.currency !== of)) return null;
    sum = addMoney(sum ?? { amount: '0', currency: of }, multiplyMoney({ amount, currency: of }, item.quantity));
  }
  return sum;
}

function schemeOf(scheme: 'fbs' | 'fbo', { tpl_integration_type: type }: Posting): OrderRecord['scheme'] {
  return scheme === 'fbs' && (type === 'non_integrated' || type === '3pl_tracking') ? 'rfbs' : scheme;
}

function parsePosting(scheme: 'fbs' | 'fbo', raw: unknown): OrderRecord {
  const row = parseRecord(postingSchema, raw);
  const items = itemsOf(row);
  const [asked, paid] = [
    sumOf(items, ({ price, priceCurrency }) => ({ amount: price, currency: priceCurrency })),
    sumOf(items, ({ paidPrice, paidCurrency }) => ({ amount: paidPrice, currency: paidCurrency })),
  ];
  const { analytics_data: about, delivery_method: delivery, cancellation } = row;
  return {
    orderKey: row.posting_number,
    orderGroup: row.order_number,
    parentKey: row.parent_posting_number,
    scheme: schemeOf(scheme, row),
    status: STATUSES[row.status]!,
    platformStatus: row.status,
    platformSubstatus: row.substatus,
    orderedAt: row.created_at ?? row.in_process_at,
    shipBy: row.shipment_date,
    deliveredAt: null,
    cancelledAt: null,
    cancelReason: cancellation?.cancel_reason ?? null,
    amount: asked?.amount ?? null,
    currency: asked?.currency ?? null,
    paidAmount: paid?.amount ?? null,
    paidCurrency: paid?.currency ?? null,
    quantity: items.reduce((sum, { quantity }) => sum + quantity, 0),
    items,
    warehouseKey: delivery?.warehouse_id ?? about?.warehouse_id ?? null,
    warehouseName: delivery?.warehouse ?? about?.warehouse ?? about?.warehouse_name ?? null,
    region: about?.region ?? about?.city ?? null,
    details: {
      orderId: row.order_id ?? null,
      deliveryMethod: delivery?.name ?? null,
      carrier: delivery?.tpl_provider ?? null,
      isExpress: row.is_express ?? null,
      isLegal: about?.is_legal ?? null,
      deliveringAt: row.delivering_date?.toISOString() ?? null,
      cancelledBy: cancellation?.cancellation_initiator ?? null,
      cancelledAfterShip: cancellation?.cancelled_after_ship ?? null,
    },
    sourceUpdatedAt: null,
  };
}

export const parseFbsPosting = (raw: unknown): OrderRecord => parsePosting('fbs', raw);
export const parseFboPosting = (raw: unknown): OrderRecord => parsePosting('fbo', raw);

/** A raw posting without what it says of the buyer. */
export function withoutBuyer(posting: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { customer: _customer, addressee: _addressee, legal_info: _legal, barcodes: _barcodes, ...rest } = posting;
  return rest;
}
