// The credentials JSON of Ozon: the seller's Client-Id and an Api-Key that he made in his account.

import { z } from 'zod';

export const credentialSchema = z.strictObject({
  client_id: z
    .string()
    .trim()
    .regex(/^\d{1,20}$/, 'expected the digits of a Client-Id'),
  api_key: z.string().trim().min(1).max(200).regex(/^\S+$/, 'expected an Api-Key without white space'),
});

export type OzonCredential = z.output<typeof credentialSchema>;
