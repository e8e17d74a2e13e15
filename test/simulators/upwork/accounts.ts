// Adds accounts with sensible contents, so that a test names only what it is about. Credentials come in the shape that
// the product stores (`access_token, refresh_token, expires_at`).

import type { Account, Organization, Profile } from './model.ts';
import { money } from './model.ts';
import type { OauthApp, OauthServer, TokenPair } from './oauth.ts';
import { ALL_SCOPES } from './scopes.ts';
import type { UpworkState } from './state.ts';

export interface NewAccount {
  readonly id?: string;
  readonly email?: string;
  /** The first is the personal context. Default: one personal organization. */
  readonly organizations?: readonly Organization[];
  /** Scope names of the API key. Default: all the simulator knows. */
  readonly scopes?: readonly string[];
  readonly profile?: Partial<Profile>;
}

export interface AddedAccount {
  readonly account: Account;
  /** Value for the tenant header: the last organization, so the agency when there is one. */
  readonly organizationId: string;
  readonly tokens: TokenPair;
  /** The credentials file of the product; `expires_at` is ISO 8601. */
  readonly credentials: { readonly access_token: string; readonly refresh_token: string; readonly expires_at: string };
  readonly app: OauthApp;
}

const NAMES = ['Ada Marin', 'Bo Nyström', 'Chidi Okafor', 'Dalia Haddad', 'Emi Tanaka', 'Fyodor Kuznetsov'] as const;

export function createAccountRegistry({ state, oauth }: { state: UpworkState; oauth: OauthServer }) {
  return (given: NewAccount = {}): AddedAccount => {
    const number = state.accounts.size + 1;
    const account = newAccount(number, given);
    state.putAccount(account);
    const tokens = oauth.issue(account.id);
    return {
      account,
      organizationId: account.organizations.at(-1)!.id,
      tokens,
      credentials: {
        access_token: tokens.accessToken,
        refresh_token: tokens.refreshToken,
        expires_at: tokens.expiresAt.toISOString(),
      },
      app: oauth.app,
    };
  };
}

function newAccount(number: number, given: NewAccount): Account {
  const id = given.id ?? String(1_400_000_000_000_000_000n + BigInt(number));
  const [firstName = '', lastName = ''] = NAMES[(number - 1) % NAMES.length]!.split(' ');
  return {
    id,
    nid: `freelancer${number}`,
    rid: String(9_000_000 + number),
    email: given.email ?? `freelancer${number}@example.test`,
    organizations: given.organizations ?? [
      { id: `15${id.slice(2)}`, name: `${firstName} ${lastName}`, kind: 'personal' },
    ],
    scopes: new Set(given.scopes ?? ALL_SCOPES),
    profile: { ...defaultProfile(firstName, lastName), ...given.profile },
  };
}

function defaultProfile(firstName: string, lastName: string): Profile {
  return {
    firstName,
    lastName,
    title: 'Full-stack developer',
    description: 'Ten years of TypeScript, Postgres and calm releases.',
    chargeRate: money(45),
    profileUrl: `https://www.upwork.com/freelancers/${firstName.toLowerCase()}`,
    country: 'Sweden',
    countryCode: 'SE',
    skills: ['TypeScript', 'PostgreSQL', 'Node.js'],
    jobSuccessScore: 97,
    topRatedStatus: 'top_rated',
    totalEarnings: money(84_210.55),
    totalHours: 1830.5,
    totalHourlyJobs: 31,
    totalFixedJobs: 12,
    totalFeedback: 4.93,
    lastActivityAt: new Date('2026-09-30T08:15:00Z'),
  };
}
