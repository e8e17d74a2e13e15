// A grant is renewed by the account that gave it, or not at all: the rows of one account must not go on with those of another.

import type { Account } from '../../connectors/contract/connector.ts';
import { AppError } from '../../core/errors.ts';
import type { Queryable } from '../../db/database.ts';
import { accountOfIntegration } from '../../store/accounts.ts';
import { findIntegration, type Integration } from '../../store/integrations.ts';

/** The integration. Throws `oauth.account_mismatch`, and `not_found` when it was removed meanwhile. */
export async function requireSameAccount(
  db: Queryable,
  integrationId: string,
  { externalAccountId, displayName }: Account,
): Promise<Integration> {
  const integration = await findIntegration(db, integrationId);
  if (integration === null) throw new AppError('not_found', `no integration has the id ${integrationId}`);
  const expected = await accountOfIntegration(db, integrationId);
  if (expected === null || expected === externalAccountId) return integration;
  throw new AppError(
    'oauth.account_mismatch',
    `expected the account ${integration.displayName ?? expected}, got ${displayName}: nothing was changed`,
  );
}
