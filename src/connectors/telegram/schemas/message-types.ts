// What a message of the Bot API is (10.1, 2026-06-11): its members are content, news of the chat itself, or stand beside either.

import { FILE_KINDS } from './files.ts';

/** Content that is kept as it came. */
const WHOLE: readonly string[] = [
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
  'giveaway',
  'giveaway_winners',
  'web_app_data',
  'successful_payment',
  'refunded_payment',
];

/** Content that the record has columns for. */
const IN_COLUMNS: readonly string[] = [...FILE_KINDS, 'photo', 'text'];

/** A venue comes with its location, a live photo with its photo, an animation with its document: the first of them says what it is. */
const CONTENTS: readonly string[] = [...WHOLE, ...IN_COLUMNS];

/** News of the chat. */
const SERVICES: ReadonlySet<string> = new Set([
  'new_chat_members',
  'left_chat_member',
  'chat_owner_left',
  'chat_owner_changed',
  'new_chat_title',
  'new_chat_photo',
  'delete_chat_photo',
  'group_chat_created',
  'supergroup_chat_created',
  'channel_chat_created',
  'message_auto_delete_timer_changed',
  'migrate_to_chat_id',
  'migrate_from_chat_id',
  'pinned_message',
  'users_shared',
  'chat_shared',
  'gift',
  'unique_gift',
  'gift_upgrade_sent',
  'connected_website',
  'write_access_allowed',
  'passport_data',
  'proximity_alert_triggered',
  'boost_added',
  'chat_background_set',
  'checklist_tasks_done',
  'checklist_tasks_added',
  'direct_message_price_changed',
  'forum_topic_created',
  'forum_topic_edited',
  'forum_topic_closed',
  'forum_topic_reopened',
  'general_forum_topic_hidden',
  'general_forum_topic_unhidden',
  'giveaway_created',
  'giveaway_completed',
  'managed_bot_created',
  'paid_message_price_changed',
  'poll_option_added',
  'poll_option_deleted',
  'suggested_post_approved',
  'suggested_post_approval_failed',
  'suggested_post_declined',
  'suggested_post_paid',
  'suggested_post_refunded',
  'video_chat_scheduled',
  'video_chat_started',
  'video_chat_ended',
  'video_chat_participants_invited',
]);

/** Members that stand beside content or news. */
const FRAME: ReadonlySet<string> = new Set([
  'message_id',
  'message_thread_id',
  'direct_messages_topic',
  'from',
  'sender_chat',
  'sender_boost_count',
  'sender_business_bot',
  'sender_tag',
  'date',
  'guest_query_id',
  'business_connection_id',
  'chat',
  'forward_origin',
  'is_topic_message',
  'is_automatic_forward',
  'reply_to_message',
  'external_reply',
  'quote',
  'reply_to_story',
  'reply_to_checklist_task_id',
  'reply_to_poll_option_id',
  'via_bot',
  'guest_bot_caller_user',
  'guest_bot_caller_chat',
  'edit_date',
  'has_protected_content',
  'is_from_offline',
  'is_paid_post',
  'media_group_id',
  'author_signature',
  'paid_star_count',
  'entities',
  'link_preview_options',
  'suggested_post_info',
  'effect_id',
  'caption',
  'caption_entities',
  'show_caption_above_media',
  'has_media_spoiler',
  'reply_markup',
]);

export interface Told {
  readonly type: string;
  /** The chat says it, and nobody in it. */
  readonly isService: boolean;
}

type Members = Readonly<Record<string, unknown>>;

/** What nobody has heard of yet, in a message without content, is taken for news of the chat. */
export function typeOf(message: Members): Told {
  const content = CONTENTS.find((name) => message[name] !== undefined);
  if (content !== undefined) return { type: content, isService: false };
  const members = Object.keys(message).filter((name) => message[name] !== undefined);
  const news = members.find((name) => SERVICES.has(name)) ?? members.find((name) => !FRAME.has(name));
  return news === undefined ? { type: 'unknown', isService: false } : { type: news, isService: true };
}

/** Papers of a person, sealed for the bot alone; a message that is, or was, one of the chat's already. */
const NOT_KEPT: readonly string[] = ['passport_data', 'pinned_message', 'unknown'];

/** What a message says beside text and files, as it came. */
export function toldBy(message: Members, { type }: Told): Members {
  return IN_COLUMNS.includes(type) || NOT_KEPT.includes(type) ? {} : { [type]: message[type] };
}
