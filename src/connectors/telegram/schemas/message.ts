// A message of the Bot API as a record. Entities count UTF-16 code units, as this language does.

import { z } from 'zod';
import { SECOND_MS } from '../../../core/duration.ts';
import type { ChatMigration, MessageRecord } from '../../../core/records.ts';
import { count, idText } from '../../toolkit/scalars.ts';
import { chatKey } from '../updates.ts';
import { chatSchema, nameOf, userSchema } from './chat.ts';
import { attachmentsOf, filesShape } from './files.ts';
import { toldBy, typeOf } from './message-types.ts';

/** The end of the year 9999: no column takes what no calendar has. */
const MAX_SECONDS = 253_402_300_799;

/** Seconds since 1970. 0 stands for a message that is not shown. */
export const instant = count
  .refine((seconds) => seconds > 0 && seconds <= MAX_SECONDS, 'expected an instant')
  .transform((seconds) => new Date(seconds * SECOND_MS));

export const messageSchema = z.looseObject({
  message_id: idText,
  date: instant,
  chat: chatSchema,
  from: userSchema.optional(),
  sender_chat: chatSchema.optional(),
  business_connection_id: z.string().optional(),
  guest_query_id: z.string().optional(),
  sender_business_bot: z.unknown().optional(),
  edit_date: instant.optional(),
  message_thread_id: idText.optional(),
  is_topic_message: z.boolean().optional(),
  media_group_id: z.string().optional(),
  text: z.string().optional(),
  caption: z.string().optional(),
  entities: z.array(z.unknown()).optional(),
  caption_entities: z.array(z.unknown()).optional(),
  reply_to_message: z.object({ message_id: idText, chat: z.object({ id: idText }).optional() }).optional(),
  external_reply: z.unknown().optional(),
  quote: z.unknown().optional(),
  forward_origin: z.unknown().optional(),
  new_chat_members: z.array(userSchema).optional(),
  left_chat_member: userSchema.optional(),
  pinned_message: z.object({ message_id: idText }).optional(),
  migrate_to_chat_id: idText.optional(),
  migrate_from_chat_id: idText.optional(),
  ...filesShape,
});

export type Message = z.output<typeof messageSchema>;

type Direction = 'inbound' | 'outbound';

/**
 * In a chat that a business lends the bot its other side is the chat itself; in the bot's own chats it hears others, and of itself
 * only what the chat tells.
 */
export function directionOf(message: Message, botId: string): Direction {
  const { from, chat, business_connection_id: connection, sender_business_bot: bot } = message;
  if (connection === undefined) return from?.id === botId ? 'outbound' : 'inbound';
  if (bot !== undefined) return 'outbound';
  return from === undefined || from.id === chat.id ? 'inbound' : 'outbound';
}

/** Of a message that a chat wrote, `from` is a stand-in. */
function senderOf({ from, sender_chat: chat }: Message): Pick<MessageRecord, 'senderId' | 'senderName'> {
  if (chat !== undefined) return { senderId: chat.id, senderName: chat.title ?? nameOf(chat) };
  return { senderId: from?.id ?? null, senderName: from === undefined ? null : nameOf(from) };
}

/** Whatever is said in a topic names the topic's first message, unless it answers another one. */
function replyOf({ chat, reply_to_message: reply, message_thread_id: thread, ...rest }: Message): string | null {
  if (reply === undefined || (reply.chat !== undefined && reply.chat.id !== chat.id)) return null;
  return rest.is_topic_message === true && reply.message_id === thread ? null : reply.message_id;
}

/** Id of what the platform sends later; it never says the one that the message has then. */
const LATER = '0';

/** Two messages of one chat that are sent later are two. */
function idOf({ message_id: id, date }: Message, attachments: MessageRecord['attachments']): string {
  if (id !== LATER) return id;
  return ['scheduled', date.getTime() / SECOND_MS, ...attachments.map((file) => file.id)].join('/');
}

function detailsOf(message: Message): MessageRecord['details'] {
  const facts = {
    isScheduled: message.message_id === LATER ? true : undefined,
    mediaGroupId: message.media_group_id,
    threadId: message.message_thread_id,
    guestQueryId: message.guest_query_id,
    forwardOrigin: message.forward_origin,
    externalReply: message.external_reply,
    quote: message.quote,
    // Of what was pinned, named as in messages out of an export.
    messageId: message.pinned_message?.message_id,
    entities: message.entities ?? message.caption_entities,
  };
  return Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined));
}

export function messageOf(message: Message, direction: Direction): MessageRecord {
  const told = typeOf(message);
  const isInbound = direction === 'inbound';
  const attachments = attachmentsOf(message);
  return {
    chatKey: chatKey(message),
    platformMessageId: idOf(message, attachments),
    direction,
    role: told.isService ? 'system' : isInbound ? 'user' : 'assistant',
    senderType: told.isService ? 'system' : isInbound ? 'client' : null,
    ...senderOf(message),
    content: message.text ?? message.caption ?? null,
    attachments,
    status: isInbound ? 'received' : 'sent',
    sentAt: message.date,
    editedAt: message.edit_date ?? null,
    messageType: told.type,
    replyToId: replyOf(message),
    details: { ...detailsOf(message), ...toldBy(message, told) },
    sourceUpdatedAt: message.edit_date ?? message.date,
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
