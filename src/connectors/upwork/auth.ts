// OAuth 2 at Upwork: an access token lives 24 hours, a refresh token 14 days and is replaced at every refresh; the old
// one is honoured 24 hours more (maintainer's word in python-upwork-oauth2 #11). The refresh is sent exactly once.

import { z } from 'zod';
import { HOUR_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { HttpResponse } from '../../http/http-client.ts';
import type { Auth, RefreshContext } from '../contract/connector.ts';
import { edgeBlockMs } from './errors.ts';
import { tokenCharge } from './limits.ts';

const TOKEN_URL = 'https://www.upwork.com/api/v3/oauth2/token';

export const credentialSchema = z.strictObject({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1),
  expires_at: z.iso.datetime({ offset: true }),
});

export type UpworkCredential = z.output<typeof credentialSchema>;

const grantSchema = z.object({
  access_token: z.string().min(1),
  /** Some answers leave it out; the old one then stays in use. */
  refresh_token: z.string().min(1).optional(),
  expires_in: z.number().positive(),
});

const refusalSchema = z.object({ error: z.string(), error_description: z.string().optional() });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** OAuth's own words for "not now" (RFC 6749 4.1.2.1, RFC 8628 3.5): nothing is wrong with the app or the grant. */
const PASSING = new Set(['temporarily_unavailable', 'server_error', 'slow_down']);

function refusal({ status, text }: HttpResponse): AppError {
  const refused = refusalSchema.safeParse(parseJson(text));
  if (refused.success && refused.data.error === 'invalid_grant') {
    return new AppError(
      'credential.grant_dead',
      'Upwork refused the refresh token (invalid_grant): the account must be reconnected',
    );
  }
  if (refused.success && !PASSING.has(refused.data.error)) {
    return new AppError('credential.invalid', `Upwork refused the token request: ${refused.data.error}`, {
      details: { status },
    });
  }
  return new AppError('platform.unavailable', `expected a token answer from Upwork, got HTTP ${status}`, {
    details: { status },
  });
}

async function refresh({
  credential,
  app,
  http,
  signal,
  now,
  egressId,
}: RefreshContext<UpworkCredential>): Promise<UpworkCredential> {
  const current = credential.reveal();
  const response = await http.request(
    {
      method: 'POST',
      url: TOKEN_URL,
      body: {
        type: 'form',
        // Id and secret belong in the form: leaving them out gives HTTP 400 about a missing client_id (node SDK #29).
        value: {
          grant_type: 'refresh_token',
          refresh_token: new Secret(current.refresh_token),
          client_id: app.clientId,
          client_secret: app.clientSecret,
        },
      },
      charges: [tokenCharge(egressId)],
      slowDownMs: edgeBlockMs,
      attempts: 1,
    },
    signal,
  );
  if (response.status !== 200) throw refusal(response);
  const grant = grantSchema.safeParse(parseJson(response.text));
  if (!grant.success) throw refusal(response);
  return {
    access_token: grant.data.access_token,
    refresh_token: grant.data.refresh_token ?? current.refresh_token,
    expires_at: new Date(now.getTime() + grant.data.expires_in * 1_000).toISOString(),
  };
}

export const auth: Auth<UpworkCredential> = {
  kind: 'oauth2',
  expiresAt: (credential) => new Date(credential.expires_at),
  // A fifth of the token's life: an idle account is refreshed daily, far ahead of the 14 days of its refresh token.
  refreshAheadMs: 4.8 * HOUR_MS,
  refresh,
};
