// Upwork's token endpoint: rotating refresh tokens, expiring access tokens, authorization codes. Tokens are random per
// simulator and never leave it except in answers. Facts: commerce-apis 1.1 (python-upwork-oauth2 issue 11, node SDK 29).

import { createHash, randomBytes } from 'node:crypto';

import type { SimulatorAnswer } from '../server.ts';

export interface TokenPolicy {
  /** Life of an access token. Upwork: 24 h. */
  readonly accessTokenTtlMs: number;
  /** Life of a refresh token. Upwork: 14 days. */
  readonly refreshTokenTtlMs: number;
  /** How long a refresh token is still good after it was used once. Upwork: 24 h. */
  readonly graceMs: number;
  /** Harder than Upwork: one use only, and a second use revokes every token of the family. */
  readonly strictSingleUse: boolean;
}

export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** When the access token ends. */
  readonly expiresAt: Date;
}

interface IssuedToken {
  readonly accountId: string;
  /** All tokens that descend from one consent. */
  readonly family: string;
  readonly expiresAt: number;
  /** Refresh tokens: when it was first used. */
  usedAt?: number;
}

export interface OauthApp {
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface OauthServer {
  readonly app: OauthApp;
  /** Successful refreshes so far. */
  readonly refreshes: number;
  /** A new family of tokens, as after the user's consent. */
  issue(accountId: string): TokenPair;
  /** A code for the authorization_code grant, good once for this redirect address, and for whoever has the verifier. */
  issueCode(accountId: string, redirectUri: string, challenge?: string): string;
  /** Every code is over, as after ten minutes. */
  expireCodes(): void;
  /** The user removes the app: every token of the account is dead. */
  revoke(accountId: string): void;
  /** Kills access tokens only, as if they had expired. */
  expireAccessTokens(accountId: string): void;
  /** Account of a living access token. */
  accountOf(accessToken: string): string | undefined;
  /** Account behind a refresh token or code, dead or alive; for the journal only. */
  accountOfForm(form: URLSearchParams): string | undefined;
  /** Answers the form of `POST /api/v3/oauth2/token`. */
  exchange(form: URLSearchParams): SimulatorAnswer;
}

export function createOauthServer({ policy, now }: { policy: TokenPolicy; now: () => Date }): OauthServer {
  const app: OauthApp = { clientId: randomBytes(16).toString('hex'), clientSecret: randomBytes(8).toString('hex') };
  const access = new Map<string, IssuedToken>();
  const refresh = new Map<string, IssuedToken>();
  const codes = new Map<string, { accountId: string; redirectUri: string; challenge: string | undefined }>();
  let refreshes = 0;

  const issuePair = (accountId: string, family: string): TokenPair => {
    const accessToken = `oauth2v2_${randomBytes(16).toString('hex')}`;
    const refreshToken = `oauth2v2_${randomBytes(16).toString('hex')}`;
    const at = now().getTime();
    access.set(accessToken, { accountId, family, expiresAt: at + policy.accessTokenTtlMs });
    refresh.set(refreshToken, { accountId, family, expiresAt: at + policy.refreshTokenTtlMs });
    return { accessToken, refreshToken, expiresAt: new Date(at + policy.accessTokenTtlMs) };
  };
  const dropWhere = (tokens: Map<string, IssuedToken>, isDropped: (token: IssuedToken) => boolean): void => {
    for (const [token, issued] of tokens) if (isDropped(issued)) tokens.delete(token);
  };

  const refreshGrant = (token: string): SimulatorAnswer => {
    const issued = refresh.get(token);
    const at = now().getTime();
    if (issued === undefined || issued.expiresAt <= at) return invalidGrant();
    if (issued.usedAt !== undefined && policy.strictSingleUse) {
      dropWhere(access, ({ family }) => family === issued.family);
      dropWhere(refresh, ({ family }) => family === issued.family);
      return invalidGrant();
    }
    if (issued.usedAt !== undefined && at >= issued.usedAt + policy.graceMs) return invalidGrant();
    issued.usedAt ??= at;
    refreshes += 1;
    return tokenAnswer(issuePair(issued.accountId, issued.family), policy);
  };
  const codeGrant = (form: URLSearchParams): SimulatorAnswer => {
    const code = form.get('code') ?? '';
    const granted = codes.get(code);
    codes.delete(code);
    if (granted === undefined || granted.redirectUri !== form.get('redirect_uri')) return invalidGrant();
    if (granted.challenge !== undefined && granted.challenge !== challengeOf(form)) return invalidGrant();
    return tokenAnswer(issuePair(granted.accountId, randomBytes(8).toString('hex')), policy);
  };

  return {
    app,
    get refreshes() {
      return refreshes;
    },
    issue: (accountId) => issuePair(accountId, randomBytes(8).toString('hex')),
    issueCode(accountId, redirectUri, challenge) {
      const code = randomBytes(16).toString('hex');
      codes.set(code, { accountId, redirectUri, challenge });
      return code;
    },
    expireCodes: () => codes.clear(),
    revoke(accountId) {
      dropWhere(access, (token) => token.accountId === accountId);
      dropWhere(refresh, (token) => token.accountId === accountId);
    },
    expireAccessTokens: (accountId) => dropWhere(access, (token) => token.accountId === accountId),
    accountOf(token) {
      const issued = access.get(token);
      return issued !== undefined && issued.expiresAt > now().getTime() ? issued.accountId : undefined;
    },
    accountOfForm: (form) =>
      refresh.get(form.get('refresh_token') ?? '')?.accountId ?? codes.get(form.get('code') ?? '')?.accountId,
    exchange(form) {
      const refused = refuseClient(form, app);
      if (refused !== undefined) return refused;
      const grant = form.get('grant_type');
      if (grant === 'refresh_token') return refreshGrant(form.get('refresh_token') ?? '');
      if (grant === 'authorization_code') return codeGrant(form);
      return oauthError(400, 'unsupported_grant_type', 'expected refresh_token or authorization_code');
    },
  };
}

function challengeOf(form: URLSearchParams): string {
  return createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url');
}

/** The client's name and secret belong in the form body; a Basic header alone is not enough. */
function refuseClient(form: URLSearchParams, app: OauthApp): SimulatorAnswer | undefined {
  for (const name of ['client_id', 'client_secret']) {
    if (!form.get(name)) return oauthError(400, 'invalid_request', `Missing required parameter: ${name}`);
  }
  const isKnown = form.get('client_id') === app.clientId && form.get('client_secret') === app.clientSecret;
  return isKnown ? undefined : oauthError(401, 'invalid_client', 'Client authentication failed');
}

function tokenAnswer(pair: TokenPair, policy: TokenPolicy): SimulatorAnswer {
  const expiresIn = Math.floor(policy.accessTokenTtlMs / 1_000);
  return {
    status: 200,
    body: {
      access_token: pair.accessToken,
      refresh_token: pair.refreshToken,
      token_type: 'Bearer',
      expires_in: expiresIn,
    },
  };
}

function invalidGrant(): SimulatorAnswer {
  return oauthError(400, 'invalid_grant', 'Refresh token or code is expired, revoked or not registered');
}

function oauthError(status: number, error: string, description: string): SimulatorAnswer {
  return { status, body: { error, error_description: description } };
}
