// Talks in the table `conversations`.

import { canonicalJson } from '../../core/canonical-json.ts';
import type { ConversationRecord } from '../../core/records.ts';
import { contractLink, linkToConversation } from './links.ts';
import { instant, integer, json, text, type RecordTable } from './record-table.ts';

export const conversationsTable: RecordTable<ConversationRecord> = {
  name: 'conversations',
  keyColumns: ['chat_key'],
  keyOf: (talk) => talk.chatKey,
  columns: [
    text('chat_key', (talk) => talk.chatKey),
    text('kind', (talk) => talk.kind),
    text('title', (talk) => talk.title),
    text('topic', (talk) => talk.topic),
    { name: 'participants', type: 'jsonb', read: (talk) => canonicalJson(talk.participants) },
    text('upwork_contract_id', (talk) => talk.upworkContractId),
    integer('unread_count', (talk) => talk.unreadCount),
    { name: 'is_hidden', type: 'boolean', read: (talk) => String(talk.isHidden) },
    instant('last_message_at', (talk) => talk.lastMessageAt),
    instant('last_read_at', (talk) => talk.lastReadAt),
    instant('started_at', (talk) => talk.startedAt),
    json('details', (talk) => talk.details),
    instant('source_updated_at', (talk) => talk.sourceUpdatedAt),
  ],
  dirtyInstants: [],
  lookups: [contractLink],
  // Messages may be stored before their conversation is.
  afterInsert: linkToConversation,
};
