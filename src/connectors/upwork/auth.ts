// OAuth 2 at Upwork: an access token lives 24 hours, a refresh token 14 days and is replaced at every refresh; the old
// one is honoured 24 hours more (maintainer's word in python-upwork-oauth2 #11). The refresh is sent exactly once.

import { DAY_MS, HOUR_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { Auth } from '../contract/connector.ts';
import type { RefreshContext } from '../contract/oauth.ts';
import { connect } from './connect.ts';
import type { UpworkCredential } from './credential.ts';
import type { UpworkSettings } from './settings.ts';
import { requestTokens } from './token-endpoint.ts';

async function refresh({ credential, ...context }: RefreshContext<UpworkCredential>): Promise<UpworkCredential> {
  const current = credential.reveal();
  const { accessToken, refreshToken, expiresAt } = await requestTokens(
    context,
    { grant_type: 'refresh_token', refresh_token: new Secret(current.refresh_token) },
    new AppError(
      'credential.grant_dead',
      'Upwork refused the refresh token (invalid_grant): the account must be reconnected',
    ),
  );
  return { access_token: accessToken, refresh_token: refreshToken ?? current.refresh_token, expires_at: expiresAt };
}

export { credentialSchema, type UpworkCredential } from './credential.ts';

export const auth: Auth<UpworkCredential, UpworkSettings> = {
  kind: 'oauth2',
  expiresAt: (credential) => new Date(credential.expires_at),
  // A fifth of the token's life: an idle account is refreshed daily, far ahead of the 14 days of its refresh token.
  refreshAheadMs: 4.8 * HOUR_MS,
  grantIdleMs: 14 * DAY_MS,
  refresh,
  connect,
};
