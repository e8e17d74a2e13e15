// Sales and returns in the table `sales`.

import type { SaleRecord } from '../../core/records.ts';
import { decimal, instant, json, text, type RecordTable } from './record-table.ts';

export const salesTable: RecordTable<SaleRecord> = {
  name: 'sales',
  keyColumns: ['sale_key'],
  keyOf: (sale) => sale.saleKey,
  columns: [
    text('sale_key', (sale) => sale.saleKey),
    text('order_key', (sale) => sale.orderKey),
    text('kind', (sale) => sale.kind),
    instant('sold_at', (sale) => sale.soldAt),
    text('product_key', (sale) => sale.productKey),
    text('offer_code', (sale) => sale.offerCode),
    text('barcode', (sale) => sale.barcode),
    text('warehouse_name', (sale) => sale.warehouseName),
    text('region', (sale) => sale.region),
    decimal('amount', (sale) => sale.amount),
    decimal('paid_amount', (sale) => sale.paidAmount),
    decimal('payout', (sale) => sale.payout),
    text('currency', (sale) => sale.currency),
    json('details', (sale) => sale.details),
    instant('source_updated_at', (sale) => sale.sourceUpdatedAt),
  ],
  dirtyInstants: ['sold_at'],
};
