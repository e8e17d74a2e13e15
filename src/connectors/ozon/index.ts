// Ozon as a connector. What the platform does and does not promise: README.md beside this file.

import { defineConnector } from '../contract/connector.ts';
import { createOzonApi } from './api.ts';
import { auth } from './auth.ts';
import { credentialSchema } from './credential.ts';
import { ALL_RULES } from './limits.ts';
import { push } from './push.ts';
import { readRoles, readSeller } from './queries.ts';
import { settingsSchema } from './settings.ts';
import { account } from './streams/account.ts';
import { analytics } from './streams/analytics.ts';
import { chatMessages } from './streams/chat-messages.ts';
import { chats } from './streams/chats.ts';
import { fboPostings } from './streams/fbo-postings.ts';
import { fbsPostings } from './streams/fbs-postings.ts';
import { finance } from './streams/finance.ts';
import { prices } from './streams/prices.ts';
import { products } from './streams/products.ts';
import { questions } from './streams/questions.ts';
import { returns } from './streams/returns.ts';
import { reviews } from './streams/reviews.ts';
import { stocks } from './streams/stocks.ts';

export const ozon = defineConnector({
  platform: 'ozon',
  displayName: 'Ozon',
  allowedHosts: ['api-seller.ozon.ru'],
  credential: credentialSchema,
  settings: settingsSchema,
  auth,
  limits: ALL_RULES,
  push,
  streams: [
    account,
    fbsPostings,
    fboPostings,
    products,
    stocks,
    prices,
    finance,
    returns,
    reviews,
    questions,
    analytics,
    chats,
    chatMessages,
  ],
  async test(context) {
    const api = createOzonApi(context);
    const clientId = await api.clientId();
    const { company } = await readSeller(api);
    const { expires_at: expiresAt } = await readRoles(api);
    return {
      externalAccountId: clientId,
      displayName: company?.name ?? company?.legal_name ?? clientId,
      ...(expiresAt === null ? {} : { credentialExpiresAt: expiresAt }),
    };
  },
});
