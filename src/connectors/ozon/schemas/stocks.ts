// How much of a product lies in one place. Three answers tell of it: how much there is in all by scheme, the seller's own warehouses,
// and the platform's. The stream says which one a raw record is.

import { z } from 'zod';
import type { StockRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, idText, maybeText } from '../../toolkit/scalars.ts';
import { maybeDecimal, maybeId } from './scalars.ts';

const totalSchema = z.object({
  place: z.literal('total'),
  product_id: idText,
  offer_id: maybeText,
  sku: idText,
  type: z.string().min(1),
  present: count,
  reserved: count,
  shipment_type: maybeText,
});

const sellerSchema = z.object({
  place: z.literal('seller'),
  product_id: idText,
  offer_id: maybeText,
  sku: idText,
  warehouse_id: idText,
  warehouse_name: maybeText,
  present: count,
  reserved: count,
});

const platformSchema = z.object({
  place: z.literal('platform'),
  product_id: idText,
  offer_id: maybeText,
  sku: idText,
  warehouse_id: maybeId,
  warehouse_name: maybeText,
  cluster_id: maybeId,
  cluster_name: maybeText,
  available_stock_count: count,
  valid_stock_count: maybeDecimal,
  transit_stock_count: maybeDecimal,
  requested_stock_count: maybeDecimal,
  return_from_customer_stock_count: count.nullish(),
  return_to_seller_stock_count: maybeDecimal,
  waiting_docs_stock_count: maybeDecimal,
  turnover_grade: maybeText,
});

const stockSchema = z.discriminatedUnion('place', [totalSchema, sellerSchema, platformSchema]);
type Stock = z.output<typeof stockSchema>;

const keySchema = z.object({
  place: z.string(),
  sku: idText,
  type: z.string().optional(),
  shipment_type: maybeText,
  warehouse_id: maybeId,
  cluster_id: maybeId,
});

/** Goods in boxes and on pallets are counted apart from single ones. */
const SINGLE: ReadonlySet<string | null> = new Set([null, 'SHIPMENT_TYPE_GENERAL']);

/** Sku, scheme and place: a product may lie in one warehouse under two skus. Null: it cannot be read. */
export function stockKey(raw: unknown): string | null {
  const key = keySchema.safeParse(raw);
  if (!key.success) return null;
  const { place, sku, type, shipment_type: shipment, warehouse_id: warehouse, cluster_id: cluster } = key.data;
  if (place === 'total') return SINGLE.has(shipment) ? `${sku}:${type}` : `${sku}:${type}:${shipment}`;
  return place === 'seller' ? `${sku}:fbs:${warehouse}` : `${sku}:fbo:${warehouse ?? `cluster-${cluster}`}`;
}

const NOWHERE = { inWayToClient: null, inWayFromClient: null } as const;

function placeOf(
  stock: Stock,
): Pick<
  StockRecord,
  | 'fulfilment'
  | 'warehouseKey'
  | 'warehouseName'
  | 'quantity'
  | 'reserved'
  | 'inWayToClient'
  | 'inWayFromClient'
  | 'details'
> {
  switch (stock.place) {
    case 'total':
      return {
        ...NOWHERE,
        fulfilment: stock.type === 'fbo' ? 'platform' : 'seller',
        warehouseKey: null,
        warehouseName: null,
        quantity: stock.present,
        reserved: stock.reserved,
        details: { scheme: stock.type, shipmentType: stock.shipment_type },
      };
    case 'seller':
      return {
        ...NOWHERE,
        fulfilment: 'seller',
        warehouseKey: stock.warehouse_id,
        warehouseName: stock.warehouse_name,
        quantity: stock.present,
        reserved: stock.reserved,
        details: { scheme: 'fbs' },
      };
    case 'platform':
      return {
        fulfilment: 'platform',
        warehouseKey: stock.warehouse_id,
        warehouseName: stock.warehouse_name,
        quantity: stock.available_stock_count,
        reserved: null,
        inWayToClient: null,
        inWayFromClient: stock.return_from_customer_stock_count ?? null,
        details: {
          scheme: 'fbo',
          clusterId: stock.cluster_id,
          cluster: stock.cluster_name,
          valid: stock.valid_stock_count,
          inTransit: stock.transit_stock_count,
          requested: stock.requested_stock_count,
          returningToSeller: stock.return_to_seller_stock_count,
          waitingForDocuments: stock.waiting_docs_stock_count,
          turnoverGrade: stock.turnover_grade,
        },
      };
  }
}

/** Throws `record.invalid`. */
export function parseStock(raw: unknown): StockRecord {
  const stock = parseRecord(stockSchema, raw);
  return {
    sourceUpdatedAt: null,
    // It has just been read by a wider schema.
    stockKey: stockKey(raw)!,
    productKey: stock.product_id,
    offerCode: stock.offer_id,
    variantKey: stock.sku,
    ...placeOf(stock),
  };
}
