// Wildberries as a connector. What the platform does and does not promise: README.md beside this file.

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import { defineConnector } from '../contract/connector.ts';
import { createWildberriesApi } from './api.ts';
import { auth } from './auth.ts';
import { credentialSchema } from './credential.ts';
import { BY_CATEGORY, HOSTS, pingOf } from './endpoints.ts';
import { ALL_RULES } from './limits.ts';
import { settingsSchema } from './settings.ts';
import { account } from './streams/account.ts';
import { analytics } from './streams/analytics.ts';
import { cards } from './streams/cards.ts';
import { chatMessages } from './streams/chat-messages.ts';
import { chats } from './streams/chats.ts';
import { claims } from './streams/claims.ts';
import { fbsOrders } from './streams/fbs-orders.ts';
import { feedbacks } from './streams/feedbacks.ts';
import { finance } from './streams/finance.ts';
import { goodsReturns } from './streams/goods-returns.ts';
import { orderFeed } from './streams/order-feed.ts';
import { orders } from './streams/orders.ts';
import { prices } from './streams/prices.ts';
import { questions } from './streams/questions.ts';
import { sales } from './streams/sales.ts';
import { sellerStocks } from './streams/seller-stocks.ts';
import { stocks } from './streams/stocks.ts';
import { supplies } from './streams/supplies.ts';

export const wildberries = defineConnector({
  platform: 'wildberries',
  displayName: 'Wildberries',
  allowedHosts: HOSTS,
  credential: credentialSchema,
  settings: settingsSchema,
  auth,
  limits: ALL_RULES,
  streams: [
    account,
    orders,
    sales,
    orderFeed,
    fbsOrders,
    stocks,
    sellerStocks,
    cards,
    prices,
    supplies,
    finance,
    analytics,
    feedbacks,
    questions,
    chats,
    chatMessages,
    claims,
    goodsReturns,
  ],
  async test(context) {
    const api = createWildberriesApi(context);
    const { sellerId, categories, expiresAt } = await api.token();
    // The seller's own name is one request a day for some tokens; a ping is none.
    const opened = BY_CATEGORY.find(({ category }) => category !== null && categories.has(category));
    if (opened === undefined)
      throw new AppError('platform.scope_missing', 'expected a token with a category, got one that opens nothing');
    await api.ask(pingOf(opened), z.object({ Status: z.string() }));
    return { externalAccountId: sellerId, displayName: sellerId, credentialExpiresAt: expiresAt };
  },
});
