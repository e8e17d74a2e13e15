// Supplies to the platform's warehouses, with their details and goods beside the row of the list.

import { z } from 'zod';
import type { SupplyRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, decimalText, idText, maybeText, moscowInstant } from '../../toolkit/scalars.ts';

const STATUSES: Readonly<Record<number, SupplyRecord['status']>> = {
  1: 'draft',
  2: 'planned',
  3: 'planned',
  4: 'accepting',
  5: 'accepted',
  6: 'accepting',
};

const zeroIsNone = idText.nullish().transform((id) => (id == null || id === '0' ? null : id));

const goodSchema = z.object({
  barcode: maybeText,
  vendorCode: maybeText,
  nmID: zeroIsNone,
  techSize: maybeText,
  quantity: count.nullish(),
  acceptedQuantity: count.nullish(),
  readyForSaleQuantity: count.nullish(),
});

const supplySchema = z.object({
  supplyID: zeroIsNone,
  preorderID: zeroIsNone,
  statusID: count,
  createDate: moscowInstant,
  supplyDate: moscowInstant,
  factDate: moscowInstant,
  updatedDate: moscowInstant,
  warehouseID: zeroIsNone,
  warehouseName: maybeText,
  actualWarehouseID: zeroIsNone,
  actualWarehouseName: maybeText,
  acceptanceCost: decimalText.nullish(),
  rejectReason: maybeText,
  quantity: count.nullish(),
  acceptedQuantity: count.nullish(),
  goods: z.array(goodSchema).default([]),
});

/** A supply is ordered before it has a number of its own, and keeps that of the order. */
export function supplyKey(raw: unknown): string | null {
  const { supplyID = null, preorderID = null } =
    z.object({ supplyID: zeroIsNone, preorderID: zeroIsNone }).safeParse(raw).data ?? {};
  if (preorderID !== null) return `preorder:${preorderID}`;
  return supplyID === null ? null : `supply:${supplyID}`;
}

export function parseSupply(raw: unknown): SupplyRecord {
  const row = parseRecord(supplySchema, raw);
  return {
    supplyKey: supplyKey(raw) ?? '',
    status: STATUSES[row.statusID] ?? null,
    platformStatus: String(row.statusID),
    warehouseKey: row.actualWarehouseID ?? row.warehouseID,
    warehouseName: row.actualWarehouseName ?? row.warehouseName,
    quantity: row.quantity ?? null,
    acceptedQuantity: row.acceptedQuantity ?? null,
    goods: row.goods.map((good) => ({
      productKey: good.nmID,
      offerCode: good.vendorCode,
      barcode: good.barcode,
      size: good.techSize,
      quantity: good.quantity ?? null,
      acceptedQuantity: good.acceptedQuantity ?? null,
      readyForSaleQuantity: good.readyForSaleQuantity ?? null,
    })),
    plannedAt: row.supplyDate,
    factAt: row.factDate,
    openedAt: row.createDate,
    details: {
      supplyId: row.supplyID,
      preorderId: row.preorderID,
      plannedWarehouseKey: row.warehouseID,
      acceptanceCost: row.acceptanceCost ?? null,
      rejectReason: row.rejectReason,
    },
    sourceUpdatedAt: row.updatedDate,
  };
}
