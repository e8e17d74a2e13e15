// Ozon as a connector. What the platform does and does not promise: README.md beside this file.

import { defineConnector } from '../contract/connector.ts';
import { createOzonApi, HOST } from './api.ts';
import { credentialSchema } from './credential.ts';
import { ANALYTICS_RULE, CLIENT_RULE } from './limits.ts';
import { readRoles, readSeller } from './seller.ts';
import { settingsSchema } from './settings.ts';
import { account } from './streams/account.ts';
import { analytics } from './streams/analytics.ts';
import { chatMessages } from './streams/chat-messages.ts';
import { chats } from './streams/chats.ts';
import { fboPostings } from './streams/fbo-postings.ts';
import { fboStocks } from './streams/fbo-stocks.ts';
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
  allowedHosts: [HOST],
  credential: credentialSchema,
  settings: settingsSchema,
  // A key lives for half a year; only the platform knows until when.
  auth: { kind: 'static' },
  limits: [CLIENT_RULE, ANALYTICS_RULE],
  streams: [
    account,
    fbsPostings,
    fboPostings,
    products,
    stocks,
    fboStocks,
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
    const { expires_at: expiresAt } = await readRoles(api);
    const { company } = await readSeller(api);
    const externalAccountId = await api.clientId();
    const name = company?.['name'];
    return {
      externalAccountId,
      displayName: typeof name === 'string' && name !== '' ? name : externalAccountId,
      ...(expiresAt === null ? {} : { credentialExpiresAt: expiresAt }),
    };
  },
});
