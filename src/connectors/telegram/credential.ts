// The credentials JSON of Telegram: the token that BotFather gave. Its first half is the id of the bot, so whose it is needs no
// question; the second half is all that keeps the bot.

import { z } from 'zod';

const TOKEN = /^[1-9]\d{0,16}:[\w-]{24,60}$/;

export const credentialSchema = z.strictObject({
  bot_token: z.string().trim().regex(TOKEN, 'expected a token as BotFather gives it: <id of the bot>:<secret>'),
});

export type TelegramCredential = z.output<typeof credentialSchema>;

/** The bot's own user id. Two tokens with one id are one bot, whose token was made anew. */
export function botIdOf({ bot_token: token }: TelegramCredential): string {
  return token.slice(0, token.indexOf(':'));
}
