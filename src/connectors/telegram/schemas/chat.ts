// Chats and users as the Bot API writes them.

import { z } from 'zod';
import type { ConversationRecord } from '../../../core/records.ts';
import { idText } from '../../toolkit/scalars.ts';

export const userSchema = z.object({
  id: idText,
  is_bot: z.boolean().default(false),
  first_name: z.string().default(''),
  last_name: z.string().optional(),
  username: z.string().optional(),
});

export type User = z.output<typeof userSchema>;

export const chatSchema = z.object({
  id: idText,
  type: z.enum(['private', 'group', 'supergroup', 'channel']),
  title: z.string().optional(),
  username: z.string().optional(),
  first_name: z.string().optional(),
  last_name: z.string().optional(),
  is_forum: z.boolean().optional(),
});

export type Chat = z.output<typeof chatSchema>;

const KINDS = { private: 'direct', group: 'group', supergroup: 'group', channel: 'channel' } as const;

/** First and last name, or null. */
export function nameOf({ first_name: first = '', last_name: last = '' }: Partial<User>): string | null {
  const name = `${first} ${last}`.trim();
  return name === '' ? null : name;
}

/** The chat as a talk, as it was when something was said in it at `at`. */
export function conversationOf(chat: Chat, chatKey: string, at: Date): ConversationRecord {
  const name = chat.title ?? nameOf(chat);
  return {
    chatKey,
    kind: KINDS[chat.type],
    title: name,
    topic: null,
    participants: chat.type === 'private' ? [{ id: chat.id, name }] : [],
    upworkContractId: null,
    unreadCount: null,
    isHidden: false,
    lastMessageAt: at,
    lastReadAt: null,
    startedAt: null,
    details: {
      type: chat.type,
      ...(chat.username === undefined ? {} : { username: chat.username }),
      ...(chat.is_forum === true ? { isForum: true } : {}),
    },
    sourceUpdatedAt: at,
  };
}
