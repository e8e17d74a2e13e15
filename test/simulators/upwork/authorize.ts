// Upwork's page of consent without the page: the person of the next account consents at once, or says no, and the browser is sent
// back with a code and the state. Facts: commerce-apis 1.1; the authorize address takes no `scope`.

import type { Route, SimulatorAnswer, SimulatorRequest } from '../server.ts';
import type { OauthServer } from './oauth.ts';
import type { UpworkTraps } from './traps.ts';
import type { UpworkState } from './state.ts';

const AUTHORIZE_PATH = '/www/ab/account-security/oauth2/authorize';
const KNOWN: readonly string[] = ['response_type', 'client_id', 'redirect_uri', 'state'];
const CHALLENGE: readonly string[] = ['code_challenge', 'code_challenge_method'];

interface AuthorizeParts {
  readonly oauth: OauthServer;
  readonly state: UpworkState;
  readonly traps: UpworkTraps;
}

function refused(message: string): SimulatorAnswer {
  return { status: 400, headers: { 'content-type': 'text/html' }, body: `<html>${message}</html>` };
}

function answer({ oauth, state, traps }: AuthorizeParts, { query }: SimulatorRequest): SimulatorAnswer {
  const known = traps.challenges === 'checked' ? [...KNOWN, ...CHALLENGE] : KNOWN;
  const unknown = [...query.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) return refused(`unknown parameter ${unknown}`);
  if (query.get('response_type') !== 'code') return refused('expected response_type=code');
  if (query.get('client_id') !== oauth.app.clientId) return refused('unknown client_id');
  const redirectUri = query.get('redirect_uri') ?? '';
  if (!URL.canParse(redirectUri)) return refused('expected a redirect_uri');
  const back = new URL(redirectUri);
  const account = state.accounts.get(traps.consentingAccount ?? '') ?? [...state.accounts.values()].at(-1);
  if (traps.consent === 'denied' || account === undefined) back.searchParams.set('error', 'access_denied');
  else
    back.searchParams.set('code', oauth.issueCode(account.id, redirectUri, query.get('code_challenge') ?? undefined));
  back.searchParams.set('state', query.get('state') ?? '');
  return { status: 302, headers: { location: back.href } };
}

export function authorizeRoute(parts: AuthorizeParts): Route {
  return {
    method: 'GET',
    path: AUTHORIZE_PATH,
    label: () => ({ operation: 'authorize' }),
    answer: (request) => answer(parts, request),
  };
}
