// Chats with buyers, and what was said in them. The signature that an answer must carry is not kept: it is a key.

import { z } from 'zod';
import type { Attachment, ConversationRecord, MessageRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, idText, maybeText } from '../../toolkit/scalars.ts';

const milliseconds = count.transform((ms) => new Date(ms));
const chatId = idText.refine((text) => !/\s/.test(text), 'expected an id without white space');

const chatSchema = z.object({
  chatID: chatId,
  clientName: maybeText,
  goodCard: z.object({ nmID: idText.nullish(), rid: maybeText }).nullish(),
  lastMessage: z.object({ addTimestamp: milliseconds.nullish() }).nullish(),
});

export function parseChat(raw: unknown): ConversationRecord {
  const { chatID, clientName, goodCard, lastMessage } = parseRecord(chatSchema, raw);
  return {
    chatKey: chatID,
    kind: 'direct',
    title: clientName,
    topic: goodCard?.rid ?? goodCard?.nmID ?? null,
    participants: clientName === null ? [] : [{ id: chatID, name: clientName }],
    upworkContractId: null,
    unreadCount: null,
    isHidden: false,
    lastMessageAt: lastMessage?.addTimestamp ?? null,
    lastReadAt: null,
    startedAt: null,
    details: {},
    sourceUpdatedAt: null,
  };
}

const fileSchema = z.object({ downloadID: maybeText, name: maybeText, contentType: maybeText });

const eventSchema = z.object({
  chatID: chatId,
  eventID: idText,
  sender: maybeText,
  clientName: maybeText,
  addTimestamp: milliseconds,
  message: z
    .object({
      text: maybeText,
      attachments: z
        .object({
          files: z.array(fileSchema).nullish(),
          images: z.array(z.object({ downloadID: maybeText })).nullish(),
          goodCard: z.object({ nmID: idText.nullish() }).nullish(),
        })
        .nullish(),
    })
    .nullish(),
});

type Event = z.output<typeof eventSchema>;

const SENDERS = {
  client: { direction: 'inbound', role: 'user', senderType: 'client' },
  seller: { direction: 'outbound', role: 'user', senderType: 'seller' },
  wb: { direction: 'inbound', role: 'system', senderType: 'system' },
} as const;

function attachmentsOf({ message }: Event): readonly Attachment[] {
  const { files, images, goodCard } = message?.attachments ?? {};
  return [
    ...(files ?? []).map(({ downloadID, name, contentType }) => ({
      id: downloadID,
      type: contentType ?? 'file',
      name,
    })),
    ...(images ?? []).map(({ downloadID }) => ({ id: downloadID, type: 'image', name: null })),
    ...(goodCard?.nmID == null ? [] : [{ id: goodCard.nmID, type: 'product', name: null }]),
  ];
}

export function parseEvent(raw: unknown): MessageRecord {
  const event = parseRecord(eventSchema, raw);
  const who = SENDERS[event.sender as keyof typeof SENDERS] ?? { direction: null, role: null, senderType: null };
  return {
    chatKey: event.chatID,
    platformMessageId: event.eventID,
    ...who,
    senderId: null,
    senderName: who.senderType === 'client' ? event.clientName : null,
    content: event.message?.text ?? null,
    attachments: attachmentsOf(event),
    status: who.direction === 'outbound' ? 'sent' : 'received',
    sentAt: event.addTimestamp,
    editedAt: null,
    messageType: null,
    replyToId: null,
    details: {},
    sourceUpdatedAt: null,
  };
}

export function eventKey(raw: unknown): string | null {
  const event = z.object({ chatID: chatId, eventID: idText }).safeParse(raw).data;
  return event === undefined ? null : `${event.chatID} ${event.eventID}`;
}
