// Telegram's limits as data. They are for what a bot sends; questions for updates are not counted.

import { MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import type { BucketCharge, BucketRule } from '../../limits/governor.ts';

const DOCUMENT = 'Telegram Bots FAQ, "My bot is hitting limits", read 2026-11-20';

/** A message a second to one chat. */
const CHAT_RULE: BucketRule = {
  id: 'telegram.chat',
  requests: 1,
  perMs: SECOND_MS,
  burst: 1,
  parkMs: 5 * SECOND_MS,
  source: DOCUMENT,
};

/** 20 messages a minute to one group. Burst and a minute's rate together are 20. */
const GROUP_RULE: BucketRule = {
  id: 'telegram.group',
  requests: 16,
  perMs: MINUTE_MS,
  burst: 4,
  parkMs: 30 * SECOND_MS,
  source: DOCUMENT,
};

/** About 30 messages a second in all. */
const BOT_RULE: BucketRule = {
  id: 'telegram.bot',
  requests: 25,
  perMs: SECOND_MS,
  burst: 5,
  parkMs: 5 * SECOND_MS,
  source: DOCUMENT,
};

export const ALL_RULES: readonly BucketRule[] = [CHAT_RULE, GROUP_RULE, BOT_RULE];

/** What a message of a bot to a chat is charged to, the narrowest bucket first. Groups and channels have negative ids. */
export function sendCharges(botId: string, chatId: string): readonly BucketCharge[] {
  const key = `${botId}:${chatId}`;
  const group = chatId.startsWith('-') || chatId.startsWith('@') ? [{ rule: GROUP_RULE, key }] : [];
  return [{ rule: CHAT_RULE, key }, ...group, { rule: BOT_RULE, key: botId }];
}

/**
 * What rests after a refusal. It does not say whose limit it was: a chat's, nearly always, since all that send by the bot here share
 * its own. If it was the bot's, the other chats hear of it themselves.
 */
export function restingOf(charges: readonly BucketCharge[]): readonly BucketCharge[] {
  return charges.filter(({ rule }) => rule.id !== BOT_RULE.id);
}
