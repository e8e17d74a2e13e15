// The methods by which a bot asks about itself, chats, members and files.

import type { Call, MethodResult } from './bot.ts';
import type { Member } from './directory.ts';
import { badRequest } from './failure.ts';
import { textIn } from './parameters.ts';
import { chatIn } from './target.ts';

export function getMe({ bot }: Call): MethodResult {
  return {
    result: {
      ...bot.user,
      can_join_groups: true,
      can_read_all_group_messages: bot.readsGroups,
      supports_inline_queries: false,
      can_connect_to_business: true,
      has_main_web_app: false,
    },
  };
}

export function getChat(call: Call): MethodResult {
  const { chat } = chatIn(call);
  const accepted = ['unlimited_gifts', 'limited_gifts', 'unique_gifts', 'premium_subscription', 'gifts_from_channels'];
  return {
    result: {
      ...chat,
      accent_color_id: 3,
      max_reaction_count: 11,
      accepted_gift_types: Object.fromEntries(accepted.map((name) => [name, false])),
    },
  };
}

export function getChatMember(call: Call): MethodResult {
  const { members } = chatIn(call);
  const id = Number(textIn(call.parameters, 'user_id'));
  if (id === call.bot.user.id)
    return { result: memberBody(members.get(id) ?? { user: call.bot.user, status: 'member' }) };
  const member = members.get(id);
  if (member === undefined) throw badRequest('member not found');
  return { result: memberBody(member) };
}

export function getChatAdministrators(call: Call): MethodResult {
  const { chat, members } = chatIn(call);
  if (chat.type === 'private') throw badRequest('there are no administrators in the private chat');
  const leading = [...members.values()].filter(({ status }) => status === 'creator' || status === 'administrator');
  return { result: leading.map(memberBody) };
}

export function getFile({ platform, bot, parameters }: Call): MethodResult {
  const { files, traps } = platform;
  return { result: files.open(bot.user.id, textIn(parameters, 'file_id'), traps.filePathLivesMs) };
}

const RIGHTS = [
  'can_manage_chat',
  'can_delete_messages',
  'can_manage_video_chats',
  'can_restrict_members',
  'can_promote_members',
  'can_change_info',
  'can_invite_users',
  'can_post_stories',
  'can_edit_stories',
  'can_delete_stories',
];

/** A ChatMember of the kind that its status says. */
export function memberBody({ user, status }: Member): object {
  switch (status) {
    case 'creator':
      return { status, user, is_anonymous: false };
    case 'administrator':
      return {
        status,
        user,
        can_be_edited: false,
        is_anonymous: false,
        ...Object.fromEntries(RIGHTS.map((right) => [right, true])),
      };
    case 'kicked':
      return { status, user, until_date: 0 };
    case 'member':
    case 'left':
      return { status, user };
  }
}
