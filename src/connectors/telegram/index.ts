// Telegram as a connector: bots, and what they hear and say. What the platform does and does not promise: README.md beside this
// file.

import { z } from 'zod';
import { defineConnector } from '../contract/connector.ts';
import { idText } from '../toolkit/scalars.ts';
import { callApi } from './api.ts';
import { auth } from './auth.ts';
import { botIdOf, credentialSchema } from './credential.ts';
import { inbox } from './inbox.ts';
import { ALL_RULES } from './limits.ts';
import { polling } from './polling.ts';
import { sending } from './sending.ts';
import { settingsSchema } from './settings.ts';
import { webhook } from './webhook.ts';

const meSchema = z.object({ id: idText, username: z.string().optional(), first_name: z.string() });

export const telegram = defineConnector({
  platform: 'telegram',
  displayName: 'Telegram',
  allowedHosts: ['api.telegram.org'],
  credential: credentialSchema,
  settings: settingsSchema,
  auth,
  limits: ALL_RULES,
  accountOf: botIdOf,
  inbox,
  webhook,
  polling,
  sending,
  // Nothing can be pulled: a bot hears what is said while it listens, and the platform keeps that for a day.
  streams: [],
  async test(context) {
    const { id, username, first_name: name } = await callApi(context, { method: 'getMe' }, meSchema);
    return { externalAccountId: id, displayName: username === undefined ? name : `@${username}` };
  },
});
