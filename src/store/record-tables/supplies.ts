// Supplies to the platform's warehouses in the table `supplies`.

import type { SupplyRecord } from '../../core/records.ts';
import { instant, integer, json, text, type RecordTable } from './record-table.ts';

export const suppliesTable: RecordTable<SupplyRecord> = {
  name: 'supplies',
  keyColumns: ['supply_key'],
  keyOf: (supply) => supply.supplyKey,
  columns: [
    text('supply_key', (supply) => supply.supplyKey),
    text('status', (supply) => supply.status),
    text('platform_status', (supply) => supply.platformStatus),
    text('warehouse_key', (supply) => supply.warehouseKey),
    text('warehouse_name', (supply) => supply.warehouseName),
    integer('quantity', (supply) => supply.quantity),
    integer('accepted_quantity', (supply) => supply.acceptedQuantity),
    json('goods', (supply) => supply.goods),
    instant('planned_at', (supply) => supply.plannedAt),
    instant('fact_at', (supply) => supply.factAt),
    instant('opened_at', (supply) => supply.openedAt),
    json('details', (supply) => supply.details),
    instant('source_updated_at', (supply) => supply.sourceUpdatedAt),
  ],
  dirtyInstants: [],
};
