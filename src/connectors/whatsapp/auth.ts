// A token is never renewed: its owner makes a new one. It does not say when it ends: `/debug_token` does, which `test()` asks.

import type { Auth } from '../contract/connector.ts';
import type { WhatsAppCredential } from './credential.ts';
import type { WhatsAppSettings } from './settings.ts';

export const auth: Auth<WhatsAppCredential, WhatsAppSettings> = { kind: 'static' };
