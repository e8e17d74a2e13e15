// Who is in a group or channel, from what the Bot API tells of changes.

import { z } from 'zod';
import type { ChatMemberRecord } from '../../../core/records.ts';
import { chatKey } from '../updates.ts';
import { chatSchema, nameOf, userSchema, type User } from './chat.ts';
import { instant, keyOfChat, type Message } from './message.ts';

export const memberChangeSchema = z.object({
  chat: chatSchema,
  date: instant,
  business_connection_id: z.string().optional(),
  new_chat_member: z.object({
    status: z.enum(['creator', 'administrator', 'member', 'restricted', 'left', 'kicked']),
    user: userSchema,
    is_member: z.boolean().optional(),
  }),
});

type MemberChange = z.output<typeof memberChangeSchema>;

function memberOf(chat: string, user: User, status: ChatMemberRecord['status'], at: Date): ChatMemberRecord {
  return {
    chatKey: chat,
    memberId: user.id,
    name: nameOf(user),
    username: user.username ?? null,
    status,
    isBot: user.is_bot,
    sourceUpdatedAt: at,
  };
}

function statusOf({ status, is_member: isMember }: MemberChange['new_chat_member']): ChatMemberRecord['status'] {
  switch (status) {
    case 'creator':
      return 'owner';
    case 'kicked':
      return 'banned';
    case 'restricted':
      // Rights may be kept of somebody who has left.
      return isMember === false ? 'left' : 'restricted';
    case 'administrator':
    case 'member':
    case 'left':
      return status;
  }
}

export function changedMember({ chat, date, new_chat_member: changed }: MemberChange): ChatMemberRecord {
  return memberOf(chatKey(chat.id, null), changed.user, statusOf(changed), date);
}

/** What a message of the chat itself says of who came and who went. */
export function membersOf(message: Message): readonly ChatMemberRecord[] {
  const key = keyOfChat(message);
  const { date, new_chat_members: came = [], left_chat_member: left } = message;
  return [
    ...came.map((user) => memberOf(key, user, 'member', date)),
    ...(left === undefined ? [] : [memberOf(key, left, 'left', date)]),
  ];
}
