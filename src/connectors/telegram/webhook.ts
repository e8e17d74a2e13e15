// Updates that Telegram delivers: one in each call, with the secret that we chose in a header. There is no signature of the body.

import type { Webhook } from '../contract/webhook.ts';
import { cutUpdate } from './updates.ts';

/** An update is at most 512 KiB in the platform's own queue. */
const MAX_BYTES = 1024 * 1024;

export const webhook: Webhook = {
  proof: { kind: 'token', header: 'x-telegram-bot-api-secret-token' },
  maxBytes: MAX_BYTES,
  eventsOf: (body, receiver) => [cutUpdate(body, receiver).event],
};
