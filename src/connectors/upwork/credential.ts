// What Upwork gives us, as it is sealed.

import { z } from 'zod';

export const credentialSchema = z.strictObject({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1),
  expires_at: z.iso.datetime({ offset: true }),
});

export type UpworkCredential = z.output<typeof credentialSchema>;
