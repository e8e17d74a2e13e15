// What was said, in the table `messages` (by month) with its keys in `message_keys`.

import { canonicalJson } from '../../core/canonical-json.ts';
import type { MessageRecord } from '../../core/records.ts';
import { conversationLink } from './links.ts';
import { instant, json, text, type RecordTable } from './record-table.ts';

export const messagesTable: RecordTable<MessageRecord> = {
  name: 'messages',
  keyColumns: ['chat_key', 'platform_message_id'],
  keyOf: (message) => `${message.chatKey} ${message.platformMessageId}`,
  partitioned: { keyTable: 'message_keys', id: 'message_id', column: 'sent_at' },
  columns: [
    text('chat_key', (message) => message.chatKey),
    text('platform_message_id', (message) => message.platformMessageId),
    text('direction', (message) => message.direction),
    text('role', (message) => message.role),
    text('sender_type', (message) => message.senderType),
    text('sender_id', (message) => message.senderId),
    text('sender_name', (message) => message.senderName),
    text('content', (message) => message.content),
    { name: 'attachments', type: 'jsonb', read: (message) => canonicalJson(message.attachments) },
    text('status', (message) => message.status),
    instant('sent_at', (message) => message.sentAt),
    instant('edited_at', (message) => message.editedAt),
    text('message_type', (message) => message.messageType),
    text('reply_to_id', (message) => message.replyToId),
    json('details', (message) => message.details),
    instant('source_updated_at', (message) => message.sourceUpdatedAt),
  ],
  dirtyInstants: [],
  lookups: [conversationLink],
};
