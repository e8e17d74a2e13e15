// Asking for updates, exactly as the server reads the question (messaging notes of 2026-11-20, from its source): an offset deletes
// what is below it, so the next one is the id behind the last one of THIS batch, whatever was asked before. It may be lower, after
// the ids began anew; a margin on top would delete updates that nobody has seen; a short batch does not mean that nothing is left.

import { z } from 'zod';
import { SECOND_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import type { Polling } from '../contract/polling.ts';
import { callApi, botId, type Context } from './api.ts';
import type { TelegramCredential } from './credential.ts';
import type { TelegramSettings } from './settings.ts';
import { UPDATE_KINDS } from './update-kinds.ts';
import { cutUpdate } from './updates.ts';

/** The server clamps whatever is longer. */
const LONGEST_WAIT_SECONDS = 50;
/** A question that is repeated too soon is held for 3 s although it asked for no wait. */
const HELD_SECONDS = 3;
const MARGIN_MS = 15 * SECOND_MS;
const MAX_UPDATES = 100;

const webhookInfo = z.object({ url: z.string() });

/** Where updates go; empty: nowhere. */
async function webhookOf(context: Context): Promise<string> {
  return (await callApi(context, { method: 'getWebhookInfo' }, webhookInfo)).url;
}

/** Throws `receive.webhook_active` where somebody else's webhook stands that the settings do not let us take away. */
async function refuseForeign(context: Context, isOurs: (url: string) => boolean): Promise<void> {
  const url = await webhookOf(context);
  if (url === '' || isOurs(url) || context.settings.take_over_webhook) return;
  const host = URL.canParse(url) ? new URL(url).host : 'another address';
  throw new AppError(
    'receive.webhook_active',
    `the updates of this bot go to a webhook at ${host}: remove it, or set take_over_webhook`,
  );
}

export const polling: Polling<TelegramCredential, TelegramSettings> = {
  longestWaitSeconds: LONGEST_WAIT_SECONDS,

  async poll(context, { position, waitSeconds }) {
    const updates = await callApi(
      context,
      {
        method: 'getUpdates',
        parameters: {
          ...(position === null ? {} : { offset: position }),
          limit: MAX_UPDATES,
          timeout: waitSeconds,
          allowed_updates: UPDATE_KINDS,
        },
        // Whoever asks decides himself when to ask again.
        attempts: 1,
        timeoutMs: Math.max(waitSeconds, HELD_SECONDS) * SECOND_MS + MARGIN_MS,
      },
      z.array(z.unknown()),
    );
    const bot = await botId(context);
    const cut = updates.map((update) => cutUpdate(update, bot));
    const last = cut.at(-1);
    return { events: cut.map(({ event }) => event), position: last === undefined ? position : last.id + 1 };
  },

  async startWebhook(context, { url, secret }, isOurs = (address) => address === url) {
    await refuseForeign(context, isOurs);
    await callApi(
      context,
      {
        method: 'setWebhook',
        parameters: { url, secret_token: secret.reveal(), allowed_updates: UPDATE_KINDS },
      },
      z.literal(true),
    );
  },

  // The platform gives the address back as it was set (source of its server, 2026-05).
  isWebhookSet: async (context, url) => (await webhookOf(context)) === url,

  async stopWebhook(context, isOurs) {
    await refuseForeign(context, isOurs);
    await callApi(context, { method: 'deleteWebhook', parameters: { drop_pending_updates: false } }, z.literal(true));
  },
};
