// Consent at Upwork: the page that asks for it, the code that comes back, and the organisations that the grant can act for. The
// authorize address takes no `scope`: permissions belong to the API key. No code challenge is documented, so none is sent.

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { AuthorizeRequest, CodeContext, OAuthConnect } from '../contract/oauth.ts';
import { createUpworkApi, type Operation } from './api.ts';
import type { UpworkCredential } from './credential.ts';
import { missingScopes } from './scopes.ts';
import type { UpworkSettings } from './settings.ts';
import { requestTokens } from './token-endpoint.ts';

const AUTHORIZE_URL = 'https://www.upwork.com/ab/account-security/oauth2/authorize';

function authorizeUrl({ clientId, redirectUri, state, codeChallenge }: AuthorizeRequest): URL {
  const url = new URL(AUTHORIZE_URL);
  const query = { response_type: 'code', client_id: clientId, redirect_uri: redirectUri, state };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  if (codeChallenge !== null) {
    url.searchParams.set('code_challenge', codeChallenge);
    url.searchParams.set('code_challenge_method', 'S256');
  }
  return url;
}

async function exchange({ code, redirectUri, verifier, ...context }: CodeContext): Promise<UpworkCredential> {
  const form = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    ...(verifier === null ? {} : { code_verifier: verifier }),
  };
  const refused = new AppError(
    'oauth.code_refused',
    'Upwork refused the authorization code: it is over, was used before, or belongs to another address. Connect again',
  );
  const { accessToken, refreshToken, expiresAt } = await requestTokens(context, form, refused);
  if (refreshToken === undefined)
    throw new AppError('platform.answer_invalid', 'expected a refresh token from Upwork, got a grant without one');
  return { access_token: accessToken, refresh_token: refreshToken, expires_at: expiresAt };
}

const itemSchema = z.object({
  title: z.string(),
  organizationId: z.string().min(1),
  organizationRid: z.string().nullish(),
  organizationType: z.string().nullish(),
  organizationLegacyType: z.string().nullish(),
});

const listOrganizations: Operation<readonly z.output<typeof itemSchema>[]> = {
  name: 'ListOrganizations',
  document: () => `
query ListOrganizations {
  companySelector { items { title organizationId organizationRid organizationType organizationLegacyType } }
}`,
  data: z
    .object({ companySelector: z.object({ items: z.array(itemSchema) }).nullish() })
    .transform(({ companySelector }) => companySelector?.items ?? []),
};

export const connect: OAuthConnect<UpworkCredential, UpworkSettings> = {
  pkce: 'none',
  authorizeUrl,
  exchange,
  async organizations(context) {
    const { data } = await createUpworkApi(context).query(listOrganizations, {});
    return data.map(({ organizationId, title, organizationType, organizationLegacyType }) => ({
      id: organizationId,
      title,
      type: [organizationType, organizationLegacyType].filter((word) => word != null).join(', ') || null,
    }));
  },
  organizationOf: ({ organization_id: id }) => id ?? null,
  actingFor: (settings, organizationId) => ({ ...settings, organization_id: organizationId }),
  missingScopes,
};
