// Kinds of updates (Bot API 10.1, 2026-06-11). All of them are asked for by name: what is not named is not sent, some kinds not
// even by default, and the platform keeps what was named last for a bot, whoever named it.

/** Kinds that carry a message or its new version. */
export const MESSAGE_KINDS: ReadonlySet<string> = new Set([
  'message',
  'edited_message',
  'channel_post',
  'edited_channel_post',
  'business_message',
  'edited_business_message',
  'guest_message',
]);

export const UPDATE_KINDS: readonly string[] = [
  ...MESSAGE_KINDS,
  'business_connection',
  'deleted_business_messages',
  'message_reaction',
  'message_reaction_count',
  'inline_query',
  'chosen_inline_result',
  'callback_query',
  'shipping_query',
  'pre_checkout_query',
  'purchased_paid_media',
  'poll',
  'poll_answer',
  'my_chat_member',
  'chat_member',
  'chat_join_request',
  'chat_boost',
  'removed_chat_boost',
  'managed_bot',
];
