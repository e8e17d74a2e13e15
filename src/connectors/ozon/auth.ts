// A key lives six months and is never renewed. It does not say when it ends: `/v1/roles` does, which `test()` and the stream
// `account` ask.

import type { Auth } from '../contract/connector.ts';
import type { OzonCredential } from './credential.ts';
import type { OzonSettings } from './settings.ts';

export const auth: Auth<OzonCredential, OzonSettings> = { kind: 'static' };
