// WhatsApp (Cloud API) as a connector. What the platform does and does not promise: README.md beside this file.

import { z } from 'zod';
import { AppError, type ErrorKind } from '../../core/errors.ts';
import { SECOND_MS } from '../../core/duration.ts';
import { defineConnector } from '../contract/connector.ts';
import { proveAccount } from './account.ts';
import { createGraphApi, type GraphApi } from './api.ts';
import { auth } from './auth.ts';
import { credentialSchema } from './credential.ts';
import { inbox } from './inbox.ts';
import { ALL_RULES } from './limits.ts';
import { loose } from './schemas/scalars.ts';
import { sending } from './sending.ts';
import { settingsSchema } from './settings.ts';
import { conversationAnalytics, messagingAnalytics, pricingAnalytics, templateAnalytics } from './streams/analytics.ts';
import { phoneNumbers } from './streams/phone-numbers.ts';
import { templates } from './streams/templates.ts';
import { webhook } from './webhook.ts';

const numberSchema = z.object({ display_phone_number: loose, verified_name: loose });
const tokenSchema = z.object({
  data: z.object({ is_valid: z.boolean().nullish(), expires_at: z.number().nullish() }),
});

/** Who the number is. A number that is not the token's is no number: throws `credential.invalid`. */
async function readNumber(api: GraphApi, phoneNumberId: string): Promise<z.output<typeof numberSchema>> {
  try {
    return await api.get(`/${phoneNumberId}`, { fields: 'display_phone_number,verified_name' }, numberSchema);
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'platform.request_invalid')) throw error;
    const message = `expected phone_number_id to be a number that this token may see: ${error.message}`;
    throw new AppError('credential.invalid', message, { cause: error, details: error.details });
  }
}

/** Meta refuses to speak of a token that the asking one does not belong to. */
const NOT_TOLD: ReadonlySet<ErrorKind> = new Set(['auth', 'scope', 'fatal']);

/** When the token ends, where Meta tells it; undefined: it does not, or the token has no end. */
async function tokenEnd(api: GraphApi): Promise<Date | undefined> {
  try {
    const { data } = await api.debugToken(tokenSchema);
    // 0 stands for never.
    return data.expires_at ? new Date(data.expires_at * SECOND_MS) : undefined;
  } catch (error) {
    if (error instanceof AppError && NOT_TOLD.has(error.kind)) return undefined;
    throw error;
  }
}

export const whatsapp = defineConnector({
  platform: 'whatsapp',
  displayName: 'WhatsApp',
  allowedHosts: ['graph.facebook.com'],
  credential: credentialSchema,
  settings: settingsSchema,
  auth,
  limits: ALL_RULES,
  accountOf: ({ phone_number_id: phoneNumberId }) => phoneNumberId,
  inbox,
  webhook,
  sending,
  streams: [phoneNumbers, templates, messagingAnalytics, conversationAnalytics, pricingAnalytics, templateAnalytics],
  async test(context) {
    const api = createGraphApi(context);
    const phoneNumberId = await api.phoneNumberId();
    const number = await readNumber(api, phoneNumberId);
    const { waba_id: wabaId } = context.settings;
    if (wabaId !== undefined) await proveAccount(api, wabaId, phoneNumberId);
    const credentialExpiresAt = await tokenEnd(api);
    return {
      externalAccountId: phoneNumberId,
      displayName: number.verified_name ?? number.display_phone_number ?? phoneNumberId,
      ...(credentialExpiresAt === undefined ? {} : { credentialExpiresAt }),
    };
  },
});
