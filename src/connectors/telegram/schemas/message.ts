// A message of the Bot API as a record. Entities count UTF-16 code units, as this language does.

import { z } from 'zod';
import { SECOND_MS } from '../../../core/duration.ts';
import type { ChatMigration, MessageRecord } from '../../../core/records.ts';
import { count, idText } from '../../toolkit/scalars.ts';
import { chatKey } from '../updates.ts';
import { chatSchema, nameOf, userSchema } from './chat.ts';
import { attachmentsOf, filesShape } from './files.ts';

/** Seconds since 1970. 0 stands for a message that is not shown. */
export const instant = count
  .refine((seconds) => seconds > 0, 'expected an instant')
  .transform((seconds) => new Date(seconds * SECOND_MS));

export const messageSchema = z.looseObject({
  message_id: idText,
  date: instant,
  chat: chatSchema,
  from: userSchema.optional(),
  sender_chat: chatSchema.optional(),
  business_connection_id: z.string().optional(),
  sender_business_bot: z.unknown().optional(),
  edit_date: instant.optional(),
  message_thread_id: idText.optional(),
  media_group_id: z.string().optional(),
  text: z.string().optional(),
  caption: z.string().optional(),
  entities: z.array(z.unknown()).optional(),
  caption_entities: z.array(z.unknown()).optional(),
  reply_to_message: z.object({ message_id: idText, chat: z.object({ id: idText }).optional() }).optional(),
  forward_origin: z.unknown().optional(),
  new_chat_members: z.array(userSchema).optional(),
  left_chat_member: userSchema.optional(),
  migrate_to_chat_id: idText.optional(),
  migrate_from_chat_id: idText.optional(),
  ...filesShape,
});

export type Message = z.output<typeof messageSchema>;

/** What a message may be besides text and files; kept whole in its details. */
const CONTENTS = [
  'story',
  'contact',
  'dice',
  'game',
  'poll',
  'venue',
  'location',
  'checklist',
  'paid_media',
  'invoice',
  'rich_message',
  'live_photo',
  'web_app_data',
  'successful_payment',
  'refunded_payment',
] as const;
const FILES = ['animation', 'audio', 'document', 'photo', 'sticker', 'video', 'video_note', 'voice'] as const;
/** Members that every message may have: what is none of these, in a message without content, says what happened in the chat. */
const FRAME: ReadonlySet<string> = new Set([
  'message_id',
  'date',
  'chat',
  'from',
  'sender_chat',
  'sender_boost_count',
  'sender_business_bot',
  'business_connection_id',
  'message_thread_id',
  'is_topic_message',
  'is_automatic_forward',
  'has_protected_content',
  'is_from_offline',
  'author_signature',
  'reply_to_message',
  'external_reply',
  'quote',
  'reply_markup',
  'via_bot',
  'edit_date',
]);

type Told = { readonly type: string; readonly isService: boolean };

function typeOf(message: Message): Told {
  // A venue comes with its location, an animation with its document: the first of them says what it is.
  const content = [...CONTENTS, ...FILES].find((name) => message[name] !== undefined);
  if (content !== undefined) return { type: content, isService: false };
  if (message.text !== undefined) return { type: 'text', isService: false };
  const service = Object.keys(message).find((name) => !FRAME.has(name) && message[name] !== undefined);
  return service === undefined ? { type: 'unknown', isService: false } : { type: service, isService: true };
}

export function keyOfChat({ chat, business_connection_id: connection }: Message): string {
  return chatKey(chat.id, connection);
}

/** In a chat that a business lends the bot its other side is the chat itself; in the bot's own chats it hears others only. */
function directionOf(message: Message): 'inbound' | 'outbound' {
  if (message.business_connection_id === undefined) return 'inbound';
  if (message.sender_business_bot !== undefined) return 'outbound';
  return message.from === undefined || message.from.id === message.chat.id ? 'inbound' : 'outbound';
}

/** Of a message that a chat wrote, `from` is a stand-in. */
function senderOf({ from, sender_chat: chat }: Message): Pick<MessageRecord, 'senderId' | 'senderName'> {
  if (chat !== undefined) return { senderId: chat.id, senderName: chat.title ?? nameOf(chat) };
  return { senderId: from?.id ?? null, senderName: from === undefined ? null : nameOf(from) };
}

function replyOf({ chat, reply_to_message: reply }: Message): string | null {
  const isElsewhere = reply?.chat !== undefined && reply.chat.id !== chat.id;
  return reply === undefined || isElsewhere ? null : reply.message_id;
}

function detailsOf(message: Message, { type }: Told): MessageRecord['details'] {
  const entities = message.entities ?? message.caption_entities;
  const whole = (CONTENTS as readonly string[]).includes(type) ? { [type]: message[type] } : {};
  return {
    ...(message.media_group_id === undefined ? {} : { mediaGroupId: message.media_group_id }),
    ...(message.message_thread_id === undefined ? {} : { threadId: message.message_thread_id }),
    ...(message.forward_origin === undefined ? {} : { forwardOrigin: message.forward_origin }),
    ...(entities === undefined ? {} : { entities }),
    ...whole,
  };
}

/** `direction` and `status` of a message that the bot sent itself are known to who sent it. */
export function messageOf(
  message: Message,
  over: Partial<Pick<MessageRecord, 'direction' | 'status' | 'role'>> = {},
): MessageRecord {
  const told = typeOf(message);
  const direction = over.direction ?? directionOf(message);
  const role = direction === 'inbound' ? 'user' : 'assistant';
  return {
    chatKey: keyOfChat(message),
    platformMessageId: message.message_id,
    direction,
    role: told.isService ? 'system' : role,
    senderType: told.isService ? 'system' : direction === 'inbound' ? 'client' : null,
    ...senderOf(message),
    content: message.text ?? message.caption ?? null,
    attachments: attachmentsOf(message),
    status: direction === 'inbound' ? 'received' : 'sent',
    sentAt: message.date,
    editedAt: message.edit_date ?? null,
    messageType: told.type,
    replyToId: replyOf(message),
    details: detailsOf(message, told),
    sourceUpdatedAt: message.edit_date ?? message.date,
    ...over,
  };
}

/** Both chats tell of it, in any order: the old one names the new one, and the other way round. */
export function migrationsOf(message: Message): readonly ChatMigration[] {
  const { chat, date: at, migrate_to_chat_id: to, migrate_from_chat_id: from } = message;
  return [
    ...(to === undefined ? [] : [{ fromChatKey: chat.id, toChatKey: to, at }]),
    ...(from === undefined ? [] : [{ fromChatKey: from, toChatKey: chat.id, at }]),
  ];
}
