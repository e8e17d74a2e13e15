// What was said, in the table `messages` (by month) with its keys in `message_keys`.

import { canonicalJson } from '../../core/canonical-json.ts';
import type { MessageRecord } from '../../core/records.ts';
import { conversationLink } from './links.ts';
import { instant, json, text, type RecordTable } from './record-table.ts';

/** SQL: the row `m` was sent from the account, as far as anybody knows. */
export function countsAsSent(m: string): string {
  return `${m}.direction = 'outbound' and ${m}.deleted_at is null and ${m}.status not in ('queued', 'sending', 'failed', 'unknown')`;
}

/**
 * SQL: the instant of the first message sent from the account after `at`. How long that answer took follows from what was said before
 * it, so its day changes with it.
 */
export function firstAnswerAfter(integrationId: string, chatKey: string, at: string): string {
  return `(
          select min(a.sent_at)
          from messages a
          where a.integration_id = ${integrationId}
            and a.chat_key = ${chatKey}
            and a.sent_at > ${at}
            and ${countsAsSent('a')}
        )`;
}

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
  dirtyInstants: ['sent_at'],
  alsoDirty: (integrationId, chatKey, at) => firstAnswerAfter(integrationId, chatKey, at),
  lookups: [conversationLink],
};
