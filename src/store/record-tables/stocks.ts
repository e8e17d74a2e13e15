// Stocks in the table `stocks`.

import type { StockRecord } from '../../core/records.ts';
import { instant, integer, json, text, type RecordTable } from './record-table.ts';

export const stocksTable: RecordTable<StockRecord> = {
  name: 'stocks',
  keyColumns: ['stock_key'],
  keyOf: (stock) => stock.stockKey,
  columns: [
    text('stock_key', (stock) => stock.stockKey),
    text('product_key', (stock) => stock.productKey),
    text('offer_code', (stock) => stock.offerCode),
    text('variant_key', (stock) => stock.variantKey),
    text('fulfilment', (stock) => stock.fulfilment),
    text('warehouse_key', (stock) => stock.warehouseKey),
    text('warehouse_name', (stock) => stock.warehouseName),
    integer('quantity', (stock) => stock.quantity),
    integer('reserved', (stock) => stock.reserved),
    integer('in_way_to_client', (stock) => stock.inWayToClient),
    integer('in_way_from_client', (stock) => stock.inWayFromClient),
    json('details', (stock) => stock.details),
    instant('source_updated_at', (stock) => stock.sourceUpdatedAt),
  ],
  dirtyInstants: [],
};
