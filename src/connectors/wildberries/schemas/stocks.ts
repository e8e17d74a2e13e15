// Stocks in the platform's warehouses, and in the seller's own.

import { z } from 'zod';
import type { StockRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, idText, maybeText } from '../../toolkit/scalars.ts';

const wbStockSchema = z.object({
  nmId: idText,
  chrtId: idText,
  warehouseId: idText.nullish(),
  warehouseName: maybeText,
  regionName: maybeText,
  quantity: count,
  inWayToClient: count.nullish(),
  inWayFromClient: count.nullish(),
});

/** Size and place; the platform's ids of warehouses are all the same one, so the name tells them apart. */
export function wbStockKey(raw: unknown): string | null {
  const row = wbStockSchema.safeParse(raw).data;
  return row === undefined ? null : `wb:${row.chrtId}:${row.warehouseId ?? ''}:${row.warehouseName ?? ''}`;
}

export function parseWbStock(raw: unknown): StockRecord {
  const row = parseRecord(wbStockSchema, raw);
  return {
    stockKey: `wb:${row.chrtId}:${row.warehouseId ?? ''}:${row.warehouseName ?? ''}`,
    productKey: row.nmId,
    offerCode: null,
    variantKey: row.chrtId,
    fulfilment: 'platform',
    warehouseKey: row.warehouseId ?? null,
    warehouseName: row.warehouseName,
    quantity: row.quantity,
    reserved: null,
    inWayToClient: row.inWayToClient ?? null,
    inWayFromClient: row.inWayFromClient ?? null,
    details: { region: row.regionName },
    sourceUpdatedAt: null,
  };
}

const sellerStockSchema = z.object({
  chrtId: idText,
  amount: count,
  /** Of the warehouse and the card; the stream puts them beside each row. */
  warehouseId: idText,
  warehouseName: maybeText,
  nmId: idText.nullish(),
  vendorCode: maybeText,
});

export function sellerStockKey(raw: unknown): string | null {
  const row = sellerStockSchema.safeParse(raw).data;
  return row === undefined ? null : `seller:${row.chrtId}:${row.warehouseId}`;
}

export function parseSellerStock(raw: unknown): StockRecord {
  const row = parseRecord(sellerStockSchema, raw);
  return {
    stockKey: `seller:${row.chrtId}:${row.warehouseId}`,
    productKey: row.nmId ?? null,
    offerCode: row.vendorCode,
    variantKey: row.chrtId,
    fulfilment: 'seller',
    warehouseKey: row.warehouseId,
    warehouseName: row.warehouseName,
    quantity: row.amount,
    reserved: null,
    inWayToClient: null,
    inWayFromClient: null,
    details: {},
    sourceUpdatedAt: null,
  };
}
