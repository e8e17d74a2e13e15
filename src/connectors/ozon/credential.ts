// The credentials JSON of Ozon: a key and the client that it belongs to.

import { z } from 'zod';

export const credentialSchema = z.strictObject({
  client_id: z
    .string()
    .trim()
    .regex(/^\d{1,20}$/, 'expected the number of the client'),
  api_key: z.string().trim().min(8).max(200),
});

export type OzonCredential = z.output<typeof credentialSchema>;
