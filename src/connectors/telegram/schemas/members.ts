// Who is in a group or channel, from what the Bot API tells of changes.

import { z } from 'zod';
import { SECOND_MS } from '../../../core/duration.ts';
import type { ChatMemberRecord } from '../../../core/records.ts';
import { chatKey } from '../updates.ts';
import { chatSchema, nameOf, userSchema, type User } from './chat.ts';
import { instant, type Message } from './message.ts';

export const memberChangeSchema = z.object({
  chat: chatSchema,
  date: instant,
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
  return memberOf(chatKey({ chat }), changed.user, statusOf(changed), date);
}

/**
 * What a message of the chat itself says of who came and who went. It says less than the change that is told beside it (whoever is
 * banned has left, too), so its stamp is a little earlier.
 */
export function membersOf(message: Message): readonly ChatMemberRecord[] {
  const key = chatKey(message);
  const { date, new_chat_members: came = [], left_chat_member: left } = message;
  const at = new Date(date.getTime() - SECOND_MS);
  return [
    ...came.map((user) => memberOf(key, user, 'member', at)),
    ...(left === undefined ? [] : [memberOf(key, left, 'left', at)]),
  ];
}
