// Counts as a messaging platform reckons them, in the table `messaging_analytics`.

import type { MessagingAnalyticsRecord } from '../../core/records.ts';
import { decimal, instant, json, text, type RecordTable } from './record-table.ts';

export const messagingAnalyticsTable: RecordTable<MessagingAnalyticsRecord> = {
  name: 'messaging_analytics',
  keyColumns: ['point_key'],
  keyOf: (point) => point.pointKey,
  columns: [
    text('point_key', (point) => point.pointKey),
    text('report', (point) => point.report),
    text('granularity', (point) => point.granularity),
    instant('starts_at', (point) => point.startsAt),
    instant('ends_at', (point) => point.endsAt),
    json('dimensions', (point) => point.dimensions),
    json('counts', (point) => point.counts),
    decimal('cost', (point) => point.cost),
    text('currency', (point) => point.currency),
    instant('source_updated_at', (point) => point.sourceUpdatedAt),
  ],
  dirtyInstants: [],
};
