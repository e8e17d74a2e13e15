// Access tokens: who may ask for what, and what `debug_token` says of one.

import { createHmac } from 'node:crypto';
import type { SimulatorRequest } from '../server.ts';
import { GraphFailure, invalidParameter } from './failure.ts';
import type { Scope, Token, World } from './world.ts';

/** A token and how it came. */
export interface Presented {
  readonly token: Token;
  readonly isInQuery: boolean;
}

/** Finds the token without judging it. */
export function presentedIn(
  world: World,
  { headers, query }: SimulatorRequest,
): { readonly token: Token | undefined; readonly isInQuery: boolean } {
  const bearer = /^(?:Bearer|OAuth)\s+(?<value>\S+)$/i.exec(headers.authorization ?? '')?.groups?.['value'];
  const value = bearer ?? query.get('access_token') ?? '';
  return { token: world.tokens.get(value), isInQuery: bearer === undefined && query.has('access_token') };
}

/** Throws 190 for a token that is none, or no longer one; 100 for a missing or wrong `appsecret_proof`. */
export function authenticate(world: World, request: SimulatorRequest, now: Date): Presented {
  const { token, isInQuery } = presentedIn(world, request);
  const isAbsent = request.headers.authorization === undefined && !isInQuery;
  if (isAbsent) throw new GraphFailure(190, { message: 'An access token is required to request this resource.' });
  if (token === undefined) throw new GraphFailure(190, { message: 'Invalid OAuth access token - Cannot parse' });
  const subcode = subcodeOf(token, now);
  if (subcode !== null) throw new GraphFailure(190, { message: messageOf(subcode), subcode });
  refuseProof(token, request.query.get('appsecret_proof'));
  return { token, isInQuery };
}

/** Throws 200 without the scope. */
export function requireScope({ scopes }: Token, scope: Scope): void {
  if (scopes.includes(scope)) return;
  throw new GraphFailure(200, { message: `Requires ${scope} permission`, subcode: 1_349_174 });
}

/** Answer of `GET /debug_token`: of a token that is no good it is a success too, with `is_valid: false`. */
export function debugToken(world: World, inputToken: string | null, now: Date): object {
  if (inputToken === null || inputToken === '') throw invalidParameter('The parameter input_token is required');
  const token = world.tokens.get(inputToken);
  if (token === undefined) {
    const error = { code: 190, message: 'Invalid OAuth access token.' };
    return { data: { error, is_valid: false, scopes: [] } };
  }
  const subcode = subcodeOf(token, now);
  const targets = token.wabas?.map(({ id }) => id);
  return {
    data: {
      app_id: token.app.id,
      type: 'SYSTEM_USER',
      application: token.app.name,
      data_access_expires_at: 0,
      ...(subcode === null ? {} : { error: { code: 190, message: messageOf(subcode), subcode } }),
      expires_at: secondsOf(token.expiresAt),
      is_valid: subcode === null,
      issued_at: secondsOf(token.issuedAt),
      scopes: token.scopes,
      granular_scopes: token.scopes.map((scope) => ({
        scope,
        ...(targets === undefined ? {} : { target_ids: targets }),
      })),
      user_id: token.userId,
    },
  };
}

/** 0 is never. */
function secondsOf(at: Date | null): number {
  return at === null ? 0 : Math.floor(at.getTime() / 1_000);
}

function subcodeOf({ revoked, expiresAt }: Token, now: Date): number | null {
  if (revoked !== null) return revoked;
  return expiresAt !== null && expiresAt <= now ? 463 : null;
}

const REASONS: Readonly<Record<number, string>> = {
  458: 'The user has not authorized the application.',
  459: 'You cannot access the app till you log in and follow the instructions given.',
  460: 'The session has been invalidated because the user changed their password.',
  463: 'Session has expired.',
  464: 'Sessions for the user are not allowed because the user is not a confirmed user.',
  467: 'The access token is invalid since it was taken back.',
};

function messageOf(subcode: number): string {
  return `Error validating access token: ${REASONS[subcode] ?? 'The session is invalid.'}`;
}

function refuseProof({ app, value }: Token, proof: string | null): void {
  if (proof === null && !app.requiresSecretProof) return;
  const right = createHmac('sha256', app.secret).update(value).digest('hex');
  if (proof === null) throw invalidParameter('API calls from the server require an appsecret_proof argument');
  if (proof !== right) throw invalidParameter('Invalid appsecret_proof provided in the API argument');
}
