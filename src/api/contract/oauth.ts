// Connecting accounts by consent: a user is sent to the platform and comes back with a code. Code and tokens never come out here.

import { z } from 'zod';
import { operation } from './define.ts';
import { id, instant } from './words.ts';

const STATUSES = ['pending', 'received', 'exchanging', 'choosing', 'done', 'failed', 'expired'] as const;

const exchange = z
  .object({
    id,
    userId: id,
    platform: z.string(),
    integrationId: id
      .nullable()
      .meta({ description: 'The integration whose grant is renewed, or the new one once it is there' }),
    status: z.enum(STATUSES).meta({ description: '`choosing`: waits for an organisation to be chosen' }),
    account: z.object({ externalAccountId: z.string(), displayName: z.string() }).nullable(),
    organizations: z.array(z.object({ id: z.string(), title: z.string(), type: z.string().nullable() })),
    missingScopes: z
      .array(z.object({ stream: z.string(), fields: z.array(z.string()) }))
      .nullable()
      .meta({ description: 'Streams that the grant does not open, with what was refused; null: not known' }),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    expiresAt: instant,
    createdAt: instant,
  })
  .meta({ id: 'OAuthExchange' });

/** What an integration says of the grant behind it. */
export const grantState = {
  grantExpiresAt: instant
    .nullable()
    .meta({ description: 'When the grant ends unless it is renewed; null where there is none' }),
  reconnect: z
    .object({
      because: z.string().meta({ description: 'An error code, `grant.expiring` or `grant.expired`' }),
      command: z.string().meta({ description: 'For an operator' }),
      request: z
        .object({ userId: id, platform: z.string(), integrationId: id })
        .nullable()
        .meta({ description: 'Body of `POST /v1/oauth/exchanges`; null where a person makes the credentials himself' }),
    })
    .nullable()
    .meta({ description: 'How to have the grant renewed, when it is over or nearly so' }),
};

const tag = 'integrations';
const path = '/v1/oauth/exchanges/{exchangeId}';
const params = z.strictObject({ exchangeId: id });

export const oauthOperations = {
  createOAuthExchange: operation({
    method: 'POST',
    path: '/v1/oauth/exchanges',
    scope: 'admin',
    tag,
    summary: 'Begin to connect an account by consent: the address to send its user to, good for ten minutes',
    body: z.strictObject({
      userId: id,
      platform: z.string().min(1).max(50).meta({ description: 'Such as `upwork`' }),
      settings: z
        .record(z.string(), z.unknown())
        .default({})
        .meta({ description: 'Of a new account; of an integration its own count' }),
      integrationId: id.optional().meta({ description: 'Renew the grant of this integration; default: a new account' }),
    }),
    status: 201,
    answer: z.object({ exchangeId: id, authorizeUrl: z.string(), expiresAt: instant }),
    // The address is for one browser, and an answer that is kept for a day would keep its state.
    idempotent: false,
  }),
  getOAuthExchange: operation({
    method: 'GET',
    path,
    scope: 'read',
    tag,
    summary: 'How far an exchange is, and what came of it',
    params,
    answer: exchange,
  }),
  chooseOAuthOrganization: operation({
    method: 'POST',
    path: `${path}/organization`,
    scope: 'admin',
    tag,
    summary: 'Choose the organisation that the new account acts for',
    params,
    body: z.strictObject({ organizationId: z.string().min(1).max(200) }),
    status: 202,
    answer: exchange,
  }),
};
