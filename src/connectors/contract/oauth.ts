// How a platform with OAuth 2 gives us a grant: where its user is sent, how the code that comes back becomes a credential, and
// for whom that credential may act. The engine keeps state, verifier and code; a connector only phrases and reads.

import type { Secret } from '../../core/secret.ts';
import type { HttpClient } from '../../http/http-client.ts';
import type { ReadContext } from './stream.ts';

/** Client id and secret of our app at a platform with OAuth. */
export interface OAuthApp {
  readonly clientId: string;
  readonly clientSecret: Secret;
}

/** What a request to the token endpoint is sent with. */
export interface TokenContext {
  readonly app: OAuthApp;
  readonly http: HttpClient;
  readonly signal: AbortSignal;
  readonly now: Date;
  readonly egressId: string;
}

export interface RefreshContext<Credential> extends TokenContext {
  readonly credential: Secret<Credential>;
}

export interface AuthorizeRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly state: string;
  /** S256 challenge (RFC 7636); null where the platform knows none. */
  readonly codeChallenge: string | null;
}

export interface CodeContext extends TokenContext {
  readonly code: Secret;
  /** The one that the code was asked for with. */
  readonly redirectUri: string;
  /** Null where no challenge was sent. */
  readonly verifier: Secret | null;
}

/** An organisation that a credential can act for. */
export interface Organization {
  readonly id: string;
  readonly title: string;
  /** In the platform's own word. */
  readonly type: string | null;
}

/** A stream that the grant does not open, or not wholly. */
export interface MissingScope {
  readonly stream: string;
  /** What the platform refused, in its own words: `Query.vendorProposals`. */
  readonly fields: readonly string[];
}

export interface OAuthConnect<Credential, Settings> {
  /** Whether the platform is known to take a code challenge; one that is not may refuse the parameter. */
  readonly pkce: 'S256' | 'none';
  /** Official address of the page of consent. */
  authorizeUrl(request: AuthorizeRequest): URL;
  /**
   * Spends the code: sent exactly once. Throws `oauth.code_refused` when the platform says that it is over,
   * `credential.invalid` for refused app credentials, `http.*` / `platform.unavailable` when no answer came.
   */
  exchange(context: CodeContext): Promise<Credential>;
  /** Whom the credential can act for; none where the platform knows nothing of the kind. */
  organizations(context: ReadContext<Credential, Settings>): Promise<readonly Organization[]>;
  /** The organisation that these settings name, or null. */
  organizationOf(settings: Settings): string | null;
  /** The same settings, in the name of an organisation. */
  actingFor(settings: Settings, organizationId: string): Settings;
  /** The cheapest question that tells which of these streams lack a permission. */
  missingScopes(
    context: ReadContext<Credential, Settings>,
    streams: readonly string[],
  ): Promise<readonly MissingScope[]>;
}
