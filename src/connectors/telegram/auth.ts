// A token lives until its owner makes a new one; nothing renews it.

import type { Auth } from '../contract/connector.ts';
import type { TelegramCredential } from './credential.ts';
import type { TelegramSettings } from './settings.ts';

export const auth: Auth<TelegramCredential, TelegramSettings> = { kind: 'static' };
