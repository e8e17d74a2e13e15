// Upwork as a connector. What the platform does and does not promise: README.md beside this file.

import { AppError } from '../../core/errors.ts';
import { defineConnector } from '../contract/connector.ts';
import { createUpworkApi } from './api.ts';
import { auth, credentialSchema } from './auth.ts';
import { API_RULE, CACHE_TERMS, TOKEN_RULE } from './limits.ts';
import { readAccount } from './queries.ts';
import { settingsSchema } from './settings.ts';
import { contracts } from './streams/contracts.ts';
import { jobs } from './streams/jobs.ts';
import { messages } from './streams/messages.ts';
import { offers } from './streams/offers.ts';
import { profile } from './streams/profile.ts';
import { proposals } from './streams/proposals.ts';
import { rooms } from './streams/rooms.ts';
import { timeEntries } from './streams/time-entries.ts';
import { transactions } from './streams/transactions.ts';

export const upwork = defineConnector({
  platform: 'upwork',
  displayName: 'Upwork',
  allowedHosts: ['api.upwork.com', 'www.upwork.com'],
  credential: credentialSchema,
  settings: settingsSchema,
  auth,
  limits: [API_RULE, TOKEN_RULE],
  terms: CACHE_TERMS,
  streams: [profile, jobs, proposals, contracts, timeEntries, transactions, rooms, messages, offers],
  async test(context) {
    const { data } = await createUpworkApi(context).query(readAccount, {});
    if (!data.user)
      throw new AppError('platform.answer_invalid', 'expected the account of this token from Upwork, got none');
    return { externalAccountId: data.user.id, displayName: data.user.name ?? data.user.id };
  },
});
