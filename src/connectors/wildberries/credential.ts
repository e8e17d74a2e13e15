// The credentials JSON of Wildberries: one token, made by the seller in his account.

import { z } from 'zod';
import { decodeToken } from './token.ts';

export const credentialSchema = z.strictObject({
  api_key: z
    .string()
    .trim()
    .min(1)
    .refine((text) => decodeToken(text) !== null, 'expected a token of Wildberries (a JWT that names its seller)'),
});

export type WildberriesCredential = z.output<typeof credentialSchema>;
