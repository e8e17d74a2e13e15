// The simulated Upwork: token endpoint and GraphQL endpoint over real HTTP on a loopback port, with the platform's
// quirks as switches. It answers from memory, never calls out, and belongs to tests and the demo only.

import type { GraphQLSchema } from 'graphql';

import { Faults } from '../faults.ts';
import { Journal } from '../journal.ts';
import { createSimulatorServer } from '../server.ts';
import type { RequestLabels, Route, SimulatorAnswer, SimulatorRequest } from '../server.ts';
import { createAccountRegistry } from './accounts.ts';
import type { AddedAccount, NewAccount } from './accounts.ts';
import { authorizeRoute } from './authorize.ts';
import { createGraphqlEndpoint } from './graphql.ts';
import type { GraphqlEndpointOptions } from './graphql.ts';
import type { Account, Organization, Posting } from './model.ts';
import { createOauthServer } from './oauth.ts';
import type { OauthServer, TokenPolicy } from './oauth.ts';
import { createRateGate } from './rate-gate.ts';
import type { RateLimit } from './rate-gate.ts';
import { createScope } from './scope.ts';
import { createUpworkState } from './state.ts';
import type { UpworkState } from './state.ts';
import { defaultTraps } from './traps.ts';
import type { UpworkTraps } from './traps.ts';
import { answerViolations, queryViolations } from './validate.ts';

export interface UpworkSimulatorOptions {
  /** Wall clock of the platform: token expiry, dates of changes. Default the real one. */
  readonly now?: () => Date;
  /** Monotonic milliseconds: rate limit and journal. Default `performance.now`. */
  readonly mono?: () => number;
  /** Defaults are Upwork's: access 24 h, refresh 14 days, old refresh token good for 24 h, not strict. */
  readonly tokens?: Partial<TokenPolicy>;
  /** Requests per sliding minute for the whole simulator (= per egress IP), both endpoints. Default null: no limit. */
  readonly rateLimit?: RateLimit | null;
  /** Initial traps; change them later through `sim.traps`. */
  readonly traps?: Partial<UpworkTraps>;
  /** Validates each query and each answer against this schema (`officialSchema()`) into `violations`. */
  readonly official?: GraphQLSchema | undefined;
}

export interface UpworkSimulator {
  /** For `UPWORK_BASE_URL`: GraphQL is at `/api/graphql`, tokens and consent are under `/www`. */
  readonly baseUrl: string;
  readonly state: UpworkState;
  readonly oauth: OauthServer;
  readonly journal: Journal;
  readonly faults: Faults;
  /** Live switches. */
  readonly traps: UpworkTraps;
  /** Null switches the limit off; may be changed while running. */
  rateLimit: RateLimit | null;
  /** Deviations from the official schema; stays empty without the option `official`. */
  readonly violations: readonly string[];
  /** An account with tokens, ready to connect. Everything has a default. */
  addAccount(account?: NewAccount): AddedAccount;
  start(port?: number): Promise<void>;
  stop(): Promise<void>;
}

const HOUR_MS = 3_600_000;
const UPWORK_TOKENS: TokenPolicy = {
  accessTokenTtlMs: 24 * HOUR_MS,
  refreshTokenTtlMs: 14 * 24 * HOUR_MS,
  graceMs: 24 * HOUR_MS,
  strictSingleUse: false,
};
const TOKEN_PATH = '/www/api/v3/oauth2/token';
const GRAPHQL_PATH = '/api/graphql';

/** A stopped simulator without accounts and postings. */
export function createUpworkSimulator(options: UpworkSimulatorOptions = {}): UpworkSimulator {
  const now = options.now ?? ((): Date => new Date());
  const mono = options.mono ?? ((): number => performance.now());
  const state = createUpworkState(now);
  const oauth = createOauthServer({ policy: { ...UPWORK_TOKENS, ...options.tokens }, now });
  const traps: UpworkTraps = { ...defaultTraps(), ...options.traps };
  const journal = new Journal();
  const faults = new Faults();
  const gate = createRateGate(options.rateLimit ?? null, mono);
  const violations: string[] = [];
  const searches = new Map<string, readonly Posting[]>();
  const graphql = createGraphqlEndpoint(officialChecks(options.official, violations));
  const routes = [
    authorizeRoute({ oauth, state, traps }),
    tokenRoute(oauth, traps),
    graphqlRoute({ oauth, state, traps, searches, graphql }),
  ];
  const server = createSimulatorServer({ routes, journal, faults, gate: () => gate.refuse(), now, mono });
  return {
    get baseUrl() {
      return server.baseUrl;
    },
    get rateLimit() {
      return gate.limit;
    },
    set rateLimit(limit) {
      gate.limit = limit;
    },
    state,
    oauth,
    journal,
    faults,
    traps,
    violations,
    addAccount: createAccountRegistry({ state, oauth }),
    start: (port) => server.start(port),
    stop: () => server.stop(),
  };
}

/** With the official schema: what deviates from it is collected, what only we do not know is told apart. */
function officialChecks(official: GraphQLSchema | undefined, violations: string[]): GraphqlEndpointOptions {
  if (official === undefined) return { observe: () => undefined, isOfficial: undefined };
  return {
    isOfficial: (document) => queryViolations(official, document).length === 0,
    observe({ body, document, data }) {
      const { variables, operationName } = body;
      report(violations, queryViolations(official, document, variables));
      report(violations, answerViolations({ schema: official, document, variables, operationName, data }));
    },
  };
}

const MAX_VIOLATIONS = 200;

function report(violations: string[], found: readonly string[]): void {
  for (const violation of found) {
    if (violations.length < MAX_VIOLATIONS && !violations.includes(violation)) violations.push(violation);
  }
}

function tokenRoute(oauth: OauthServer, traps: UpworkTraps): Route {
  return {
    method: 'POST',
    path: TOKEN_PATH,
    label: ({ body }) => ({ operation: 'token', account: oauth.accountOfForm(new URLSearchParams(body)) }),
    async answer({ headers, body }) {
      if (!headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
        return { status: 400, body: { error: 'invalid_request', error_description: 'expected a form body' } };
      }
      const answer = oauth.exchange(new URLSearchParams(body));
      // The rotation has happened before the wait: a client that gives up here has lost the new pair.
      if (traps.slowTokenMs > 0) await new Promise((resolve) => setTimeout(resolve, traps.slowTokenMs).unref());
      return answer;
    },
  };
}

interface GraphqlRouteParts {
  readonly oauth: OauthServer;
  readonly state: UpworkState;
  readonly traps: UpworkTraps;
  readonly searches: Map<string, readonly Posting[]>;
  readonly graphql: ReturnType<typeof createGraphqlEndpoint>;
}

function graphqlRoute({ oauth, state, traps, searches, graphql }: GraphqlRouteParts): Route {
  const accountOf = (request: SimulatorRequest): Account | undefined => {
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
    return state.accounts.get((token && oauth.accountOf(token)) ?? '');
  };
  const label = (request: SimulatorRequest): RequestLabels => ({
    ...graphql.label(request),
    tenant: tenantHeader(request),
    account: accountOf(request)?.id,
  });
  const answer = (request: SimulatorRequest): SimulatorAnswer => {
    if (!request.headers['user-agent'])
      return { status: 403, headers: { 'content-type': 'text/html' }, body: '<html>Access denied</html>' };
    const account = accountOf(request);
    if (account === undefined) return { status: 401, body: { message: 'Authentication failed' } };
    const organization = organizationOf(account, tenantHeader(request));
    if (organization === undefined) return { status: 403, body: { message: 'Authorization failed' } };
    return graphql.answer(request, createScope({ account, organization, state, traps, searches }));
  };
  return { method: 'POST', path: GRAPHQL_PATH, label, answer };
}

function tenantHeader(request: SimulatorRequest): string | undefined {
  const value = request.headers['x-upwork-api-tenantid'];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Without a header: silently the personal context, in which agency data looks empty. */
function organizationOf(account: Account, tenant: string | undefined): Organization | undefined {
  if (tenant === undefined) return account.organizations[0];
  return account.organizations.find(({ id }) => id === tenant);
}
