// The credentials JSON of WhatsApp: a token for Meta's Graph API, best that of a system user, and the number it speaks for.

import { z } from 'zod';

/** Digits; some pass 2^53, so an id is never a number. */
export const graphId = z.string().regex(/^\d{1,25}$/, 'expected the digits of an id, as text');

export const credentialSchema = z.strictObject({
  access_token: z.string().trim().min(1).max(2_000).regex(/^\S+$/, 'expected a token without white space'),
  phone_number_id: graphId,
});

export type WhatsAppCredential = z.output<typeof credentialSchema>;
