// /v1/oauth/exchanges: accounts that are connected by consent. The page that users come back to is `oauth-callback.ts`.

import { AppError } from '../../core/errors.ts';
import type { Tx } from '../../db/database.ts';
import { beginExchange } from '../../ops/begin-exchange.ts';
import { chooseOrganization } from '../../ops/receive-code.ts';
import { findExchange, type OAuthExchange } from '../../store/oauth-exchanges.ts';
import { redactedText } from '../../telemetry/redacted.ts';
import type { ApiDeps, Handlers } from '../call.ts';
import type { oauthOperations } from '../contract/oauth.ts';

async function requireExchange(tx: Tx, id: string): Promise<OAuthExchange> {
  const found = await findExchange(tx, id);
  if (found === null) throw new AppError('not_found', `no exchange has the id ${id}`);
  return found;
}

function show({ platformId, externalAccountId, accountName, errorCode, errorMessage, ...exchange }: OAuthExchange) {
  return {
    ...exchange,
    platform: platformId,
    account: externalAccountId === null ? null : { externalAccountId, displayName: accountName ?? externalAccountId },
    organizations: [...exchange.organizations],
    missingScopes: exchange.missingScopes?.map(({ stream, fields }) => ({ stream, fields: [...fields] })) ?? null,
    error: errorCode === null ? null : { code: errorCode, message: redactedText(errorMessage ?? '') },
    expiresAt: exchange.expiresAt.toISOString(),
    createdAt: exchange.createdAt.toISOString(),
  };
}

export function oauthRoutes(deps: ApiDeps): Handlers<keyof typeof oauthOperations> {
  const { connectorOf } = deps;
  return {
    async createOAuthExchange({ body, inTx }) {
      const { userId, platform, settings, integrationId = null } = body;
      const request = { userId, connector: connectorOf(platform), settings, integrationId };
      const { expiresAt, ...begun } = await inTx((tx) => beginExchange(tx, deps, request));
      return { ...begun, expiresAt: expiresAt.toISOString() };
    },
    async getOAuthExchange({ params: { exchangeId }, inTx }) {
      return show(await inTx((tx) => requireExchange(tx, exchangeId)));
    },
    async chooseOAuthOrganization({ params: { exchangeId }, body, inTx }) {
      return await inTx(async (tx) => {
        const exchange = await requireExchange(tx, exchangeId);
        await chooseOrganization(tx, deps, exchange, body.organizationId);
        return show(await requireExchange(tx, exchangeId));
      });
    },
  };
}
