// What a user may set for a bot.

import { z } from 'zod';

export const settingsSchema = z.strictObject({
  /** `poll`: we ask for updates. `webhook`: Telegram calls us, at TIDEMARK_PUBLIC_URL. */
  receive: z.enum(['poll', 'webhook']).default('poll'),
  /** Whether a webhook of somebody else's is taken away: a bot's updates go to one of both. */
  take_over_webhook: z.boolean().default(false),
});

export type TelegramSettings = z.output<typeof settingsSchema>;
