// A token lives 180 days and is never renewed: it says itself when it ends, and a person makes the next one.

import type { Auth } from '../contract/connector.ts';
import type { WildberriesCredential } from './credential.ts';
import type { WildberriesSettings } from './settings.ts';
import { decodeToken } from './token.ts';

export const auth: Auth<WildberriesCredential, WildberriesSettings> = {
  kind: 'static',
  // The schema of the credentials has looked at it already.
  expiresAt: ({ api_key: text }) => decodeToken(text)!.expiresAt,
};
