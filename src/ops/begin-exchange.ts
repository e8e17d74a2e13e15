// Where a user is sent to give us a grant: the exchange is written down first, with the hash of its state and the sealed
// verifier, and then the address is made. Needs public keys only.

import { createHash, randomBytes } from 'node:crypto';
import type { AnyConnector, Auth } from '../connectors/contract/connector.ts';
import type { Clock } from '../core/clock.ts';
import { MINUTE_MS } from '../core/duration.ts';
import { AppError } from '../core/errors.ts';
import { uuidv7 } from '../core/ids.ts';
import { challengeOf, createVerifier } from '../core/pkce.ts';
import type { Tx } from '../db/database.ts';
import { applyBaseUrl, overrideOf, type BaseUrls } from '../http/base-url.ts';
import { insertExchangeSecret } from '../store/exchange-secrets.ts';
import { findIntegration, type Integration } from '../store/integrations.ts';
import { findClientId } from '../store/oauth-apps.ts';
import { insertExchange } from '../store/oauth-exchanges.ts';
import { findUser } from '../store/users.ts';
import { sealPart } from '../sync/exchange-vault.ts';
import type { Sealer } from '../vault/sealer.ts';
import { parseSettings } from './accounts.ts';

/** How long a user has to come back. */
export const CONSENT_MS = 10 * MINUTE_MS;
const STATE_BYTES = 32;

export interface BeginDeps {
  readonly clock: Clock;
  readonly sealer: () => Promise<Sealer>;
  /** Where browsers reach the api; undefined: nobody said. */
  readonly publicUrl: string | undefined;
  readonly baseUrls: BaseUrls;
}

export interface BeginRequest {
  readonly userId: string;
  readonly connector: AnyConnector;
  /** Of the new account, as they came. */
  readonly settings: unknown;
  /** The integration whose grant is renewed; null: a new account. */
  readonly integrationId: string | null;
}

export interface BegunExchange {
  readonly exchangeId: string;
  /** For the user's browser; it holds the state, so it is shown once and never logged. */
  readonly authorizeUrl: string;
  readonly expiresAt: Date;
}

/** What is stored of a state; a state is drawn by lot, so a slow hash would add nothing. */
export function hashState(state: string): Uint8Array {
  return createHash('sha256').update(state).digest();
}

/** Throws `usage.invalid` for a platform without OAuth. */
export function oauthOf({ auth, displayName }: AnyConnector): Extract<Auth<unknown>, { kind: 'oauth2' }> {
  if (auth.kind === 'oauth2') return auth;
  throw new AppError('usage.invalid', `${displayName} gives no grants: add the account with its credentials`);
}

export function redirectUriOf(publicUrl: string | undefined, platform: string): string {
  if (publicUrl !== undefined) return `${publicUrl}/oauth/callback/${platform}`;
  throw new AppError('config.invalid', 'expected TIDEMARK_PUBLIC_URL: the platform sends its user back there');
}

async function requireOwn(tx: Tx, { userId, connector, integrationId }: BeginRequest): Promise<Integration | null> {
  if ((await findUser(tx, userId)) === null) throw new AppError('not_found', `no user has the id ${userId}`);
  if (integrationId === null) return null;
  const found = await findIntegration(tx, integrationId);
  if (found !== null && found.userId === userId && found.platformId === connector.platform) return found;
  throw new AppError('not_found', `the user has no ${connector.displayName} integration with the id ${integrationId}`);
}

/** Throws `usage.invalid`, `config.invalid`, `credential.missing` without an app, `not_found`, `input.invalid`. */
export async function beginExchange(tx: Tx, deps: BeginDeps, request: BeginRequest): Promise<BegunExchange> {
  const { userId, connector } = request;
  const { connect } = oauthOf(connector);
  const platformId = connector.platform;
  const redirectUri = redirectUriOf(deps.publicUrl, platformId);
  const clientId = await findClientId(tx, platformId);
  if (clientId === null)
    throw new AppError(
      'credential.missing',
      `expected the OAuth app of ${platformId} (tidemark integrations oauth-app), found none`,
    );
  const integration = await requireOwn(tx, request);
  const now = deps.clock.now();
  const id = uuidv7(now.getTime());
  const state = randomBytes(STATE_BYTES).toString('base64url');
  const expiresAt = new Date(now.getTime() + CONSENT_MS);
  await insertExchange(tx, {
    id,
    userId,
    integrationId: integration?.id ?? null,
    platformId,
    stateHash: hashState(state),
    redirectUri,
    settings: parseSettings(connector.settings, integration?.settings ?? request.settings),
    expiresAt,
    now,
  });
  const verifier = connect.pkce === 'S256' ? createVerifier() : null;
  if (verifier !== null) {
    const sealed = sealPart(await deps.sealer(), { id, userId, platformId }, 'verifier', verifier);
    await insertExchangeSecret(tx, { exchangeId: id, userId }, 'verifier', sealed);
  }
  const codeChallenge = verifier === null ? null : challengeOf(verifier);
  const official = connect.authorizeUrl({ clientId, redirectUri, state, codeChallenge });
  const authorizeUrl = applyBaseUrl(platformId, official, overrideOf(deps.baseUrls, platformId));
  return { exchangeId: id, authorizeUrl: authorizeUrl.href, expiresAt };
}
