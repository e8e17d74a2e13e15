// Chats, and what was said in them. Ids of messages pass 2^53.

import { z } from 'zod';
import type { ConversationRecord, MessageRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, idText, instant, maybeInstant, maybeText } from '../../toolkit/scalars.ts';

const chatId = z
  .string()
  .min(1)
  .refine((text) => !/\s/.test(text), 'expected an id without white space');

const chatSchema = z.object({
  chat: z.object({ chat_id: chatId, chat_status: maybeText, chat_type: maybeText, created_at: maybeInstant }),
  unread_count: count.nullish(),
});

/** The platform writes its values large, and sometimes small. */
const isWithBuyer = (type: string | null): boolean => (type ?? '').toUpperCase().startsWith('BUYER_SELLER');

export function chatKey(raw: unknown): string | null {
  return z.object({ chat: z.object({ chat_id: chatId }) }).safeParse(raw).data?.chat.chat_id ?? null;
}

export function parseChat(raw: unknown): ConversationRecord {
  const { chat, unread_count: unread } = parseRecord(chatSchema, raw);
  return {
    chatKey: chat.chat_id,
    kind: isWithBuyer(chat.chat_type) ? 'direct' : 'channel',
    title: null,
    topic: chat.chat_type,
    participants: [],
    upworkContractId: null,
    unreadCount: unread ?? null,
    isHidden: chat.chat_status?.toUpperCase() === 'CLOSED',
    lastMessageAt: null,
    lastReadAt: null,
    startedAt: chat.created_at,
    details: {},
    sourceUpdatedAt: null,
  };
}

const messageSchema = z.object({
  /** Of the chat that was asked; the stream puts it beside each row. */
  chatId,
  message_id: idText,
  created_at: instant,
  user: z.object({ id: maybeText, type: maybeText }).nullish(),
  data: z.array(z.string()).nullish(),
  is_image: z.boolean().nullish(),
  is_read: z.boolean().nullish(),
});

export function messageKey(raw: unknown): string | null {
  const row = z.object({ chatId, message_id: idText }).safeParse(raw).data;
  return row === undefined ? null : `${row.chatId} ${row.message_id}`;
}

function senderOf(type: string | null | undefined): Pick<MessageRecord, 'direction' | 'role' | 'senderType'> {
  // The first letter of `Customer` is a Cyrillic one in the document's own examples.
  switch ((type ?? '').toLowerCase().replace(/^\u0441(?=ustomer$)/, 'c')) {
    case 'seller':
      return { direction: 'outbound', role: 'user', senderType: 'seller' };
    case 'customer':
      return { direction: 'inbound', role: 'user', senderType: 'client' };
    case '':
      return { direction: null, role: null, senderType: null };
    default:
      // Support, couriers, the platform's own notices.
      return { direction: 'inbound', role: 'system', senderType: 'system' };
  }
}

export function parseMessage(raw: unknown): MessageRecord {
  const row = parseRecord(messageSchema, raw);
  const who = senderOf(row.user?.type);
  const isRead = row.is_read === true;
  const parts = row.data ?? [];
  return {
    chatKey: row.chatId,
    platformMessageId: row.message_id,
    ...who,
    senderId: row.user?.id ?? null,
    senderName: null,
    content: row.is_image === true ? null : parts.join('\n'),
    attachments:
      row.is_image === true
        ? parts.map((_, index) => ({ id: `${row.message_id}:${index}`, type: 'image', name: null }))
        : [],
    status: who.direction === 'outbound' ? (isRead ? 'read' : 'sent') : 'received',
    sentAt: row.created_at,
    editedAt: null,
    messageType: null,
    replyToId: null,
    details: {},
    sourceUpdatedAt: null,
  };
}
