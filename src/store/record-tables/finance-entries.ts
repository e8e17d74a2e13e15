// Lines of the platform's accounts in the table `finance_entries`.

import type { FinanceEntryRecord } from '../../core/records.ts';
import { day, decimal, instant, integer, json, text, type RecordTable } from './record-table.ts';

export const financeEntriesTable: RecordTable<FinanceEntryRecord> = {
  name: 'finance_entries',
  keyColumns: ['source', 'entry_id'],
  keyOf: (entry) => `${entry.source} ${entry.entryId}`,
  columns: [
    text('source', (entry) => entry.source),
    text('entry_id', (entry) => entry.entryId),
    text('report_id', (entry) => entry.reportId),
    text('kind', (entry) => entry.kind),
    text('platform_kind', (entry) => entry.platformKind),
    day('entry_date', (entry) => entry.entryDate),
    instant('occurred_at', (entry) => entry.occurredAt),
    decimal('amount', (entry) => entry.amount),
    text('currency', (entry) => entry.currency),
    integer('quantity', (entry) => entry.quantity),
    text('order_key', (entry) => entry.orderKey),
    text('product_key', (entry) => entry.productKey),
    text('offer_code', (entry) => entry.offerCode),
    json('breakdown', (entry) => entry.breakdown),
    instant('source_updated_at', (entry) => entry.sourceUpdatedAt),
  ],
  dirtyInstants: ['entry_date'],
};
