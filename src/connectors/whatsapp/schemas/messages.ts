// What people wrote, what the business wrote in its own app, and what both wrote before they were connected: one shape.

import { z } from 'zod';
import type { ConversationRecord, MessageRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { idText } from '../../toolkit/scalars.ts';
import { contentOf } from './contents.ts';
import type { Person } from './people.ts';
import { loose, object, told, unixInstant } from './scalars.ts';

const messageSchema = z.looseObject({
  id: idText,
  timestamp: unixInstant,
  type: z.string().min(1).catch('unknown'),
  context: z
    .looseObject({
      id: loose,
      forwarded: z.boolean().nullish().catch(null),
      frequently_forwarded: z.boolean().nullish().catch(null),
      referred_product: object.nullish().catch(null),
    })
    .nullish()
    .catch(null),
  referral: object.nullish().catch(null),
  errors: z.array(z.unknown()).nullish().catch(null),
  history_context: z.looseObject({ status: loose }).nullish().catch(null),
  biz_opaque_callback_data: loose,
});

/** Stamp of what was told at second hand: whatever else was told of the same is newer. */
export const SECOND_HAND = new Date(0);

/** Words of a history's statuses; others say nothing. */
const HISTORY_STATUS: Readonly<Record<string, MessageRecord['status']>> = {
  PENDING: 'sending',
  SENT: 'sent',
  DELIVERED: 'delivered',
  READ: 'read',
  PLAYED: 'read',
  ERROR: 'failed',
};

export interface Said {
  readonly direction: 'inbound' | 'outbound';
  readonly person: Person;
  /** From before the connection. */
  readonly isHistory: boolean;
}

/** A message with its chat. Throws `record.invalid` with `details.path`. */
export function parseMessage(raw: unknown, { direction, person, isHistory }: Said): MessageRecord {
  const message = parseRecord(messageSchema, raw);
  const { content, attachments, about, details } = contentOf(message);
  const { context, referral, errors, history_context: history } = message;
  const isInbound = direction === 'inbound';
  const isSystem = message.type === 'system';
  const own = isInbound ? 'received' : 'sent';
  return {
    chatKey: person.chatKey,
    platformMessageId: message.id,
    direction,
    role: isSystem ? 'system' : 'user',
    senderType: isSystem ? 'system' : isInbound ? 'client' : 'seller',
    senderId: isInbound ? (person.waId ?? person.userId) : null,
    senderName: isInbound ? person.name : null,
    content,
    attachments,
    status: isInbound ? own : (HISTORY_STATUS[history?.status?.toUpperCase() ?? ''] ?? own),
    sentAt: message.timestamp,
    editedAt: null,
    messageType: message.type,
    replyToId: about ?? context?.id ?? null,
    details: {
      ...details,
      ...told({
        forwarded: context?.forwarded,
        frequentlyForwarded: context?.frequently_forwarded,
        referredProduct: context?.referred_product,
        referral,
        errors: errors?.length === 0 ? null : errors,
        isHistory: isHistory ? true : null,
        callbackData: message.biz_opaque_callback_data,
      }),
    },
    sourceUpdatedAt: isHistory ? SECOND_HAND : message.timestamp,
  };
}

/** The chat with a person. One that was told without his name must not take the name away that is stored. */
export function conversationOf(person: Person, lastMessageAt: Date, isHistory = false): ConversationRecord {
  const { chatKey, isGroup, waId, userId, username, name } = person;
  const id = waId ?? userId;
  return {
    chatKey,
    kind: isGroup ? 'group' : 'direct',
    title: isGroup ? null : name,
    topic: null,
    participants: isGroup || id === null ? [] : [{ id, name }],
    upworkContractId: null,
    unreadCount: null,
    isHidden: false,
    lastMessageAt,
    lastReadAt: null,
    startedAt: null,
    details: isGroup ? {} : told({ waId, userId, username }),
    sourceUpdatedAt: isHistory || name === null ? SECOND_HAND : lastMessageAt,
  };
}
