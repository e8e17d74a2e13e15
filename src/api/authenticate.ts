// Who asks: a bearer token in `Authorization`, the same token as the password of basic authentication, or the cookie of a
// browser that signed in. Checked before anything is read; a token never comes from a URL. What a browser sends by itself
// may change something only when the page that asks is our own.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import { allows, type Scope } from '../core/scopes.ts';
import { Secret } from '../core/secret.ts';
import type { ApiToken } from '../store/api-tokens.ts';
import type { Operation } from './contract/operation.ts';
import { requireOwnPage } from './cross-site.ts';
import { sendProblem } from './problem.ts';
import type { Guesses } from './guesses.ts';
import { sessionOf } from './session-cookie.ts';

/** The token's row when it is valid now, else null. */
export type FindToken = (token: string) => Promise<ApiToken | null>;

export interface Authentication {
  readonly findToken: FindToken;
  /** The token behind the secret of a session, when both are valid now. */
  readonly findSession: FindToken;
  readonly guesses: Guesses;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose request it is, once `requireScope` knows it. */
    token: ApiToken | null;
    /** What the caller proved himself by. */
    proof: Secret | null;
  }
}

type Scheme = 'bearer' | 'basic' | 'session';

interface Presented {
  readonly scheme: Scheme;
  readonly text: string;
}

/** What a request brings, or null when it brings nothing. */
function presented({ headers }: FastifyRequest): Presented | null {
  const [, scheme = '', value = ''] = /^(bearer|basic)\s+(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return { scheme: 'bearer', text: value };
  if (scheme.toLowerCase() === 'basic') {
    const [, text = ''] = /^[^:]*:(.*)$/s.exec(Buffer.from(value, 'base64').toString('utf8')) ?? [];
    return text === '' ? null : { scheme: 'basic', text };
  }
  const session = sessionOf(headers.cookie);
  return session === null ? null : { scheme: 'session', text: session };
}

/**
 * Finds out who asks and notes it on the request. Null: nobody who is known. Throws `api.cross_site` for a change that a
 * foreign page asked a browser for, `api.locked_out` for an address that guesses.
 */
export async function identify(request: FastifyRequest, auth: Authentication): Promise<ApiToken | null> {
  const brought = presented(request);
  if (brought === null) return null;
  const { scheme, text } = brought;
  if (scheme !== 'bearer') requireOwnPage(request);
  await auth.guesses.check(request, text);
  const token = await (scheme === 'session' ? auth.findSession(text) : auth.findToken(text));
  await auth.guesses.note(request, text, token === null ? 'wrong' : 'right');
  request.token = token;
  request.proof = token === null ? null : new Secret(text);
  return token;
}

/**
 * Throws `api.forbidden` for a token that belongs to one user where something of everybody's is shown or changed, and for one
 * without the scope.
 */
export function assertMay({ userId, scopes }: ApiToken, { scope, reach }: Pick<Operation, 'scope' | 'reach'>): void {
  if (reach === 'installation' && userId !== null)
    throw new AppError('api.forbidden', 'expected a token of the installation, this one belongs to a user');
  if (allows(scopes, scope)) return;
  throw new AppError('api.forbidden', `expected a token with scope ${scope}, this one has ${scopes.join(', ')}`);
}

/** Answers 401 and says how to bring a token. */
export async function askForToken(reply: FastifyReply): Promise<void> {
  reply.header('www-authenticate', 'Bearer realm="Tidemark"');
  await sendProblem(reply, new AppError('api.unauthorized', 'expected a valid API token (Authorization: Bearer tm_…)'));
}

/** A fastify hook that lets only tokens of the installation with `scope` pass. */
export function requireScope(scope: Scope, auth: Authentication) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const token = await identify(request, auth);
    if (token === null) return await askForToken(reply);
    assertMay(token, { scope, reach: 'installation' });
  };
}

/** For pages: a browser without a session is shown where to sign in. */
export function requireViewer(auth: Authentication) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const token = await identify(request, auth);
    if (token !== null) return assertMay(token, { scope: 'read', reach: 'installation' });
    const wantsPage = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
    if (wantsPage) await reply.redirect(`/sign-in?next=${encodeURIComponent(request.url)}`);
    else await askForToken(reply);
  };
}
