// Upwork's token endpoint: one form, sent exactly once, and what its answers mean. Id and secret belong in the form: leaving
// them out gives HTTP 400 about a missing client_id (node SDK #29).

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { Secret } from '../../core/secret.ts';
import type { HttpResponse } from '../../http/http-client.ts';
import type { TokenContext } from '../contract/oauth.ts';
import { edgeBlockMs } from './errors.ts';
import { tokenCharge } from './limits.ts';

const TOKEN_URL = 'https://www.upwork.com/api/v3/oauth2/token';

const grantSchema = z.object({
  access_token: z.string().min(1),
  /** Some answers to a refresh leave it out; the old one then stays in use. */
  refresh_token: z.string().min(1).optional(),
  expires_in: z.number().positive(),
});

export interface TokenGrant {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** ISO 8601. */
  readonly expiresAt: string;
}

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

function refusal({ status, text }: HttpResponse, invalidGrant: AppError): AppError {
  const refused = refusalSchema.safeParse(parseJson(text));
  if (refused.success && refused.data.error === 'invalid_grant') return invalidGrant;
  if (refused.success && !PASSING.has(refused.data.error)) {
    return new AppError('credential.invalid', `Upwork refused the token request: ${refused.data.error}`, {
      details: { status },
    });
  }
  return new AppError('platform.unavailable', `expected a token answer from Upwork, got HTTP ${status}`, {
    details: { status },
  });
}

/** Throws `invalidGrant` when Upwork says `invalid_grant`, else `credential.invalid`, `platform.unavailable`, `http.*`. */
export async function requestTokens(
  { app, http, signal, now, egressId }: TokenContext,
  form: Readonly<Record<string, string | Secret>>,
  invalidGrant: AppError,
): Promise<TokenGrant> {
  const response = await http.request(
    {
      method: 'POST',
      url: TOKEN_URL,
      body: { type: 'form', value: { ...form, client_id: app.clientId, client_secret: app.clientSecret } },
      charges: [tokenCharge(egressId)],
      slowDownMs: edgeBlockMs,
      attempts: 1,
    },
    signal,
  );
  if (response.status !== 200) throw refusal(response, invalidGrant);
  const grant = grantSchema.safeParse(parseJson(response.text));
  if (!grant.success) throw refusal(response, invalidGrant);
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: seconds } = grant.data;
  return { accessToken, refreshToken, expiresAt: new Date(now.getTime() + seconds * 1_000).toISOString() };
}
