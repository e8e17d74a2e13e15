// Products: the row of the list, what is known of it, and its attributes, as the stream puts them together.

import { z } from 'zod';
import type { PriceRecord, ProductRecord, StockRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, decimalText, idText, maybeInstant, maybeText } from '../../toolkit/scalars.ts';

const attributeSchema = z.object({
  id: idText,
  values: z.array(z.object({ dictionary_value_id: idText.nullish(), value: maybeText })).nullish(),
});

const productSchema = z.object({
  product_id: idText,
  offer_id: maybeText,
  archived: z.boolean().nullish(),
  info: z
    .object({
      sku: idText.nullish(),
      name: maybeText,
      barcodes: z.array(z.string()).nullish(),
      images: z.array(z.string()).nullish(),
      primary_image: z.array(z.string()).nullish(),
      statuses: z.object({ status: maybeText, status_name: maybeText, moderate_status: maybeText }).nullish(),
      visibility_details: z.object({ has_price: z.boolean().nullish(), has_stock: z.boolean().nullish() }).nullish(),
      sources: z.array(z.object({ sku: idText.nullish(), source: maybeText, shipment_type: maybeText })).nullish(),
      is_archived: z.boolean().nullish(),
      is_autoarchived: z.boolean().nullish(),
      description_category_id: idText.nullish(),
      type_id: idText.nullish(),
      vat: maybeText,
      created_at: maybeInstant,
      updated_at: maybeInstant,
    })
    .nullish(),
  attributes: z
    .object({
      attributes: z.array(attributeSchema).nullish(),
      height: decimalText.nullish(),
      depth: decimalText.nullish(),
      width: decimalText.nullish(),
      dimension_unit: maybeText,
      weight: decimalText.nullish(),
      weight_unit: maybeText,
    })
    .nullish(),
});

type Product = z.output<typeof productSchema>;

function statusOf({ archived, info }: Product): ProductRecord['status'] {
  if (archived === true || info?.is_archived === true) return 'archived';
  return info?.visibility_details?.has_price === false ? 'hidden' : 'active';
}

export function parseProduct(raw: unknown): ProductRecord {
  const row = parseRecord(productSchema, raw);
  const { info, attributes } = row;
  return {
    productKey: row.product_id,
    offerCode: row.offer_id,
    title: info?.name ?? null,
    description: null,
    brand: null,
    categoryId: info?.description_category_id ?? null,
    category: null,
    barcodes: info?.barcodes ?? [],
    images: [...(info?.primary_image ?? []), ...(info?.images ?? [])],
    variants: (info?.sources ?? []).map(({ sku, source, shipment_type: shipment }) => ({
      sku: sku ?? null,
      source,
      shipment,
    })),
    attributes: (attributes?.attributes ?? []).map(({ id, values }) => ({
      id,
      values: (values ?? []).map(({ value }) => value),
    })),
    status: statusOf(row),
    platformStatus: info?.statuses?.status ?? null,
    trashedAt: null,
    listedAt: info?.created_at ?? null,
    details: {
      sku: info?.sku ?? null,
      typeId: info?.type_id ?? null,
      vat: info?.vat ?? null,
      statusName: info?.statuses?.status_name ?? null,
      moderation: info?.statuses?.moderate_status ?? null,
      isAutoArchived: info?.is_autoarchived ?? null,
      dimensions: {
        depth: attributes?.depth ?? null,
        width: attributes?.width ?? null,
        height: attributes?.height ?? null,
        unit: attributes?.dimension_unit ?? null,
        weight: attributes?.weight ?? null,
        weightUnit: attributes?.weight_unit ?? null,
      },
    },
    sourceUpdatedAt: info?.updated_at ?? null,
  };
}

const priceSchema = z.object({
  product_id: idText,
  offer_id: maybeText,
  price: z.object({
    price: decimalText.nullish(),
    old_price: decimalText.nullish(),
    min_price: decimalText.nullish(),
    marketing_seller_price: decimalText.nullish(),
    net_price: decimalText.nullish(),
    currency_code: z.string().regex(/^[A-Z]{3}$/, 'expected an ISO currency'),
    vat: decimalText.nullish(),
  }),
  price_indexes: z.object({ color_index: maybeText }).nullish(),
  acquiring: decimalText.nullish(),
  volume_weight: decimalText.nullish(),
  commissions: z.record(z.string(), z.unknown()).nullish(),
});

export function parsePrice(raw: unknown): PriceRecord {
  const { price, ...row } = parseRecord(priceSchema, raw);
  const isReduced = price.old_price != null && price.old_price !== '0';
  return {
    priceKey: row.product_id,
    productKey: row.product_id,
    offerCode: row.offer_id,
    variantKey: null,
    price: isReduced ? price.old_price! : (price.price ?? null),
    discountedPrice: price.price ?? null,
    clubPrice: null,
    minPrice: price.min_price ?? null,
    currency: price.currency_code,
    discountPercent: null,
    details: {
      marketingPrice: price.marketing_seller_price ?? null,
      netPrice: price.net_price ?? null,
      vat: price.vat ?? null,
      colourIndex: row.price_indexes?.color_index ?? null,
      acquiring: row.acquiring ?? null,
      volumeWeight: row.volume_weight ?? null,
      commissions: row.commissions ?? {},
    },
    sourceUpdatedAt: null,
  };
}

const sellerStockSchema = z.object({
  product_id: idText,
  offer_id: maybeText,
  /** One of the product's stocks; the stream makes a record of each. */
  stock: z.object({
    type: z.string().transform((type) => type.toLowerCase()),
    sku: idText.nullish(),
    present: count,
    reserved: count.nullish(),
    warehouse_ids: z.array(idText).nullish(),
  }),
});

export function sellerStockKey(raw: unknown): string | null {
  const row = sellerStockSchema.safeParse(raw).data;
  return row === undefined ? null : keyOfStock(row);
}

const keyOfStock = ({ product_id: product, stock }: z.output<typeof sellerStockSchema>): string =>
  `${stock.type}:${product}:${stock.sku ?? ''}`;

export function parseSellerStock(raw: unknown): StockRecord {
  const row = parseRecord(sellerStockSchema, raw);
  const { stock } = row;
  return {
    stockKey: keyOfStock(row),
    productKey: row.product_id,
    offerCode: row.offer_id,
    variantKey: stock.sku ?? null,
    fulfilment: 'seller',
    warehouseKey: null,
    warehouseName: null,
    quantity: stock.present,
    reserved: stock.reserved ?? null,
    inWayToClient: null,
    inWayFromClient: null,
    details: { type: stock.type, warehouseKeys: stock.warehouse_ids ?? [] },
    sourceUpdatedAt: null,
  };
}

const fboStockSchema = z.object({
  sku: idText,
  offer_id: maybeText,
  warehouse_id: idText.nullish(),
  warehouse_name: maybeText,
  cluster_id: idText.nullish(),
  cluster_name: maybeText,
  available_stock_count: count.nullish(),
  valid_stock_count: count.nullish(),
  transit_stock_count: count.nullish(),
  return_from_customer_stock_count: count.nullish(),
  turnover_grade: maybeText,
});

const keyOfFbo = (row: z.output<typeof fboStockSchema>): string =>
  `fbo:${row.sku}:${row.warehouse_id ?? ''}:${row.cluster_id ?? ''}`;

export function fboStockKey(raw: unknown): string | null {
  const row = fboStockSchema.safeParse(raw).data;
  return row === undefined ? null : keyOfFbo(row);
}

export function parseFboStock(raw: unknown): StockRecord {
  const row = parseRecord(fboStockSchema, raw);
  return {
    stockKey: keyOfFbo(row),
    productKey: null,
    offerCode: row.offer_id,
    variantKey: row.sku,
    fulfilment: 'platform',
    warehouseKey: row.warehouse_id ?? null,
    warehouseName: row.warehouse_name,
    quantity: row.available_stock_count ?? 0,
    reserved: null,
    inWayToClient: null,
    inWayFromClient: row.return_from_customer_stock_count ?? null,
    details: {
      cluster: row.cluster_name,
      valid: row.valid_stock_count ?? null,
      inTransit: row.transit_stock_count ?? null,
      turnoverGrade: row.turnover_grade,
    },
    sourceUpdatedAt: null,
  };
}
