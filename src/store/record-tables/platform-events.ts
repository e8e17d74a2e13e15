// What a platform told that is no message, in the table `platform_events`.

import type { PlatformEventRecord } from '../../core/records.ts';
import { instant, json, text, type RecordTable } from './record-table.ts';

export const platformEventsTable: RecordTable<PlatformEventRecord> = {
  name: 'platform_events',
  keyColumns: ['event_key'],
  keyOf: (event) => event.eventKey,
  columns: [
    text('event_key', (event) => event.eventKey),
    text('kind', (event) => event.kind),
    text('chat_key', (event) => event.chatKey),
    text('actor_id', (event) => event.actorId),
    instant('occurred_at', (event) => event.occurredAt),
    json('body', (event) => event.body),
    instant('source_updated_at', (event) => event.sourceUpdatedAt),
  ],
  dirtyInstants: [],
};
