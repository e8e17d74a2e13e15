// Claims and returns in the table `returns`.

import type { ReturnRecord } from '../../core/records.ts';
import { decimal, instant, integer, json, text, type RecordTable } from './record-table.ts';

export const returnsTable: RecordTable<ReturnRecord> = {
  name: 'returns',
  keyColumns: ['return_key'],
  keyOf: (back) => back.returnKey,
  columns: [
    text('return_key', (back) => back.returnKey),
    text('kind', (back) => back.kind),
    text('order_key', (back) => back.orderKey),
    text('product_key', (back) => back.productKey),
    text('offer_code', (back) => back.offerCode),
    text('status', (back) => back.status),
    text('platform_status', (back) => back.platformStatus),
    text('reason', (back) => back.reason),
    text('comment', (back) => back.comment),
    integer('quantity', (back) => back.quantity),
    decimal('amount', (back) => back.amount),
    text('currency', (back) => back.currency),
    instant('opened_at', (back) => back.openedAt),
    instant('status_changed_at', (back) => back.statusChangedAt),
    json('details', (back) => back.details),
    instant('source_updated_at', (back) => back.sourceUpdatedAt),
  ],
  dirtyInstants: ['opened_at'],
};
