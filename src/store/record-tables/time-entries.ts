// Hours in the table `time_entries`.

import type { TimeEntryRecord } from '../../core/records.ts';
import { contractLink } from './links.ts';
import { decimal, instant, text, type RecordTable } from './record-table.ts';

export const timeEntriesTable: RecordTable<TimeEntryRecord> = {
  name: 'time_entries',
  keyColumns: ['entry_key'],
  keyOf: (entry) => entry.entryKey,
  columns: [
    text('entry_key', (entry) => entry.entryKey),
    text('upwork_contract_id', (entry) => entry.upworkContractId),
    text('term_id', (entry) => entry.termId),
    { name: 'work_date', type: 'date', read: (entry) => entry.workDate },
    text('task', (entry) => entry.task),
    text('memo', (entry) => entry.memo),
    decimal('hours', (entry) => entry.hours),
    decimal('online_hours', (entry) => entry.onlineHours),
    decimal('manual_hours', (entry) => entry.manualHours),
    decimal('amount', (entry) => entry.amount),
    text('currency', (entry) => entry.currency),
    instant('source_updated_at', (entry) => entry.sourceUpdatedAt),
  ],
  dirtyInstants: ['work_date'],
  lookups: [contractLink],
};
