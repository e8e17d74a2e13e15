// A posting, whichever of the two lists it came from. Versions of the API write money in two ways: `{amount, currency}`, or a plain
// number beside a member with its currency; both are read.

import { z } from 'zod';
import type { OrderItem, OrderRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, idText, maybeInstant, maybeText } from '../../toolkit/scalars.ts';
import { statusOf } from './posting-status.ts';
import { currency, maybeDecimal, maybeId, maybeList, maybePrice, totalOf, type Price } from './scalars.ts';

const money = z.union([maybePrice, maybeDecimal]);

const commissionSchema = z.object({ amount: maybeDecimal, currency, percent: maybeDecimal }).nullish();

const lineSchema = z.object({
  sku: maybeId,
  offer_id: maybeText,
  name: maybeText,
  quantity: count,
  price: money,
  currency_code: currency,
});

const paidSchema = z.object({
  product_id: maybeId,
  customer_price: money,
  customer_currency_code: currency,
  currency_code: currency,
  commission: commissionSchema,
  commission_amount: maybeDecimal,
  commission_percent: maybeDecimal,
  commissions_currency_code: currency,
  payout: maybeDecimal,
  old_price: maybeDecimal,
  total_discount_value: maybeDecimal,
  actions: maybeList(z.string()),
});

const postingSchema = z.object({
  posting_number: z.string().min(1),
  order_id: idText,
  order_number: maybeText,
  parent_posting_number: maybeText,
  status: z.string().min(1),
  substatus: maybeText,
  in_process_at: maybeInstant,
  created_at: maybeInstant,
  shipment_date: maybeInstant,
  shipment_date_without_delay: maybeText,
  delivering_date: maybeText,
  delivery_schema: maybeText,
  tpl_integration_type: maybeText,
  tracking_number: maybeText,
  is_express: z.boolean().nullish(),
  multi_box_qty: maybeDecimal,
  delivery_method: z
    .object({ id: maybeId, name: maybeText, tpl_provider: maybeText, warehouse_id: maybeId, warehouse: maybeText })
    .nullish(),
  analytics_data: z
    .object({
      delivery_type: maybeText,
      is_premium: z.boolean().nullish(),
      is_legal: z.boolean().nullish(),
      payment_type_group_name: maybeText,
      region: maybeText,
      warehouse_id: maybeId,
      warehouse_name: maybeText,
      warehouse: maybeText,
    })
    .nullish(),
  financial_data: z
    .object({ cluster_from: maybeText, cluster_to: maybeText, products: maybeList(paidSchema) })
    .nullish(),
  cancel_reason_id: maybeId,
  cancellation: z
    .object({
      cancel_reason: maybeText,
      cancel_reason_id: maybeId,
      cancellation_initiator: maybeText,
      cancellation_type: maybeText,
      cancelled_after_ship: z.boolean().nullish(),
      affect_cancellation_rating: z.boolean().nullish(),
    })
    .nullish(),
  products: maybeList(lineSchema),
});

type Posting = z.output<typeof postingSchema>;
type Line = z.output<typeof lineSchema>;
type Paid = z.output<typeof paidSchema>;

function priceOf(value: z.output<typeof money>, beside: string | null): Price | null {
  if (value === null) return null;
  return typeof value === 'string' ? { amount: value, currency: beside } : value;
}

/** What belongs to the line at `index`: skus may repeat, so by place, as long as the ids do not speak against it. */
function paidFor(line: Line, index: number, paid: readonly Paid[]): Paid | undefined {
  const beside = paid[index];
  if (beside !== undefined && (beside.product_id === line.sku || beside.product_id === null)) return beside;
  return paid.find(({ product_id: id }) => id !== null && id === line.sku);
}

function itemOf(line: Line, paid: Paid | undefined): OrderItem {
  const price = priceOf(line.price, line.currency_code);
  const customer =
    paid === undefined ? null : priceOf(paid.customer_price, paid.customer_currency_code ?? paid.currency_code);
  return {
    // Lines name skus only; which product a sku belongs to stands in `products.variants`.
    productKey: null,
    sku: line.sku,
    offerCode: line.offer_id,
    name: line.name,
    quantity: line.quantity,
    price: price?.amount ?? null,
    priceCurrency: price?.currency ?? null,
    paidPrice: customer?.amount ?? null,
    paidCurrency: customer?.currency ?? null,
    details:
      paid === undefined
        ? {}
        : {
            commission: paid.commission?.amount ?? paid.commission_amount,
            commissionCurrency: paid.commission?.currency ?? paid.commissions_currency_code,
            commissionPercent: paid.commission?.percent ?? paid.commission_percent,
            payout: paid.payout,
            oldPrice: paid.old_price,
            discount: paid.total_discount_value,
            actions: paid.actions,
          },
  };
}

function detailsOf(posting: Posting): Readonly<Record<string, unknown>> {
  const { analytics_data: analytics, financial_data: financial, cancellation, delivery_method: method } = posting;
  return {
    orderId: posting.order_id,
    trackingNumber: posting.tracking_number,
    deliveringDate: posting.delivering_date,
    shipmentDateWithoutDelay: posting.shipment_date_without_delay,
    isExpress: posting.is_express ?? null,
    multiBoxQty: posting.multi_box_qty,
    deliveryMethodId: method?.id ?? null,
    deliveryMethod: method?.name ?? null,
    deliveryProvider: method?.tpl_provider ?? null,
    deliveryType: analytics?.delivery_type ?? null,
    isPremium: analytics?.is_premium ?? null,
    isLegal: analytics?.is_legal ?? null,
    paymentType: analytics?.payment_type_group_name ?? null,
    clusterFrom: financial?.cluster_from ?? null,
    clusterTo: financial?.cluster_to ?? null,
    cancelReasonId: cancellation?.cancel_reason_id ?? posting.cancel_reason_id,
    cancellationInitiator: cancellation?.cancellation_initiator ?? null,
    cancellationType: cancellation?.cancellation_type ?? null,
    cancelledAfterShip: cancellation?.cancelled_after_ship ?? null,
    affectsCancellationRating: cancellation?.affect_cancellation_rating ?? null,
  };
}

/** Throws `record.invalid`. */
export function parsePosting(raw: unknown, schemeOf: (posting: Posting) => OrderRecord['scheme']): OrderRecord {
  const posting = parseRecord(postingSchema, raw);
  const { analytics_data: analytics, financial_data: financial, delivery_method: method } = posting;
  const items = posting.products.map((line, index) => itemOf(line, paidFor(line, index, financial?.products ?? [])));
  const asked = totalOf(
    items.map(({ quantity, price, priceCurrency }) => ({ quantity, price, currency: priceCurrency })),
  );
  const paid = totalOf(
    items.map(({ quantity, paidPrice, paidCurrency }) => ({ quantity, price: paidPrice, currency: paidCurrency })),
  );
  return {
    sourceUpdatedAt: null,
    orderKey: posting.posting_number,
    orderGroup: posting.order_number,
    parentKey: posting.parent_posting_number,
    scheme: schemeOf(posting),
    status: statusOf(posting.status),
    platformStatus: posting.status,
    platformSubstatus: posting.substatus,
    orderedAt: posting.in_process_at ?? posting.created_at,
    shipBy: posting.shipment_date,
    deliveredAt: null,
    cancelledAt: null,
    cancelReason: posting.cancellation?.cancel_reason ?? null,
    amount: asked?.amount ?? null,
    currency: asked?.currency ?? null,
    paidAmount: paid?.amount ?? null,
    paidCurrency: paid?.currency ?? null,
    quantity: items.reduce((sum, { quantity }) => sum + quantity, 0),
    items,
    warehouseKey: method?.warehouse_id ?? analytics?.warehouse_id ?? null,
    warehouseName: method?.warehouse ?? analytics?.warehouse_name ?? analytics?.warehouse ?? null,
    region: analytics?.region ?? financial?.cluster_to ?? null,
    details: detailsOf(posting),
  };
}

/** The seller's own delivery is told apart by who carries it. */
const OWN_DELIVERY: ReadonlySet<string | null> = new Set(['3pl_tracking', 'non_integrated']);

/** A posting of the list of the seller's own. */
export const parseFbsPosting = (raw: unknown): OrderRecord =>
  parsePosting(raw, ({ delivery_schema: schema, tpl_integration_type: type }) =>
    /^rfbs/i.test(schema ?? '') || OWN_DELIVERY.has(type) ? 'rfbs' : 'fbs',
  );

/** A posting of the list of the platform's. */
export const parseFboPosting = (raw: unknown): OrderRecord => parsePosting(raw, () => 'fbo');
