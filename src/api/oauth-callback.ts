// Where platforms send their users back: the one page that anybody may open and that changes something. A state that nobody waits
// for counts like a wrong token. Code and state stand in the address, so nothing here logs, quotes or passes on an address.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import type { Actor } from '../db/database.ts';
import { receiveCode } from '../ops/receive-code.ts';
import type { ApiDeps } from './call.ts';
import type { Guesses } from './guesses.ts';
import { HTML } from './html-page.ts';
import { deniedPage, lockedPage, receivedPage, unknownPage } from './oauth-page.ts';

export interface OAuthCallbackDeps extends Pick<ApiDeps, 'db' | 'queue' | 'clock' | 'sealer' | 'connectorOf'> {
  readonly guesses: Guesses;
}

interface Page {
  readonly status: number;
  readonly html: string;
}

const ACTOR: Actor = { tokenId: null, name: 'a user who came back from a platform', action: 'oauth callback' };
/** Codes and states are far shorter; what is longer is neither. */
const MAX_CHARS = 4_000;

/** One member of the query, or nothing: twice the same name is an attack or an accident. */
function only(query: Readonly<Record<string, unknown>>, name: string): string {
  const value = query[name];
  return typeof value === 'string' && value.length <= MAX_CHARS ? value : '';
}

async function receive(deps: OAuthCallbackDeps, request: FastifyRequest): Promise<Page> {
  const { db, guesses, connectorOf } = deps;
  const { platform } = request.params as { readonly platform: string };
  const query = request.query as Readonly<Record<string, unknown>>;
  const [state, code, error] = [only(query, 'state'), only(query, 'code'), only(query, 'error')];
  await guesses.check(request, state);
  const sealer = await deps.sealer();
  const returned = { platform, state, code: code === '' || error !== '' ? null : new Secret(code), error };
  const exchange = await db.tx({ kind: 'ops', actor: ACTOR }, (tx) => receiveCode(tx, { ...deps, sealer }, returned));
  if (exchange === null) {
    await guesses.note(request, state, 'wrong');
    return { status: 400, html: unknownPage() };
  }
  const { displayName } = connectorOf(exchange.platformId);
  if (exchange.status === 'failed') return { status: 200, html: deniedPage(displayName) };
  return { status: 200, html: receivedPage(displayName) };
}

async function answer(deps: OAuthCallbackDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  // Our own styles would otherwise be asked for with the address of this page.
  reply.header('referrer-policy', 'no-referrer');
  try {
    const { status, html } = await receive(deps, request);
    return await reply.code(status).type(HTML).send(html);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'api.locked_out') throw error;
    return await reply.code(429).type(HTML).send(lockedPage());
  }
}

export function addOAuthCallback(app: FastifyInstance, deps: OAuthCallbackDeps): void {
  // A look at the headers alone must not spend a state.
  app.get('/oauth/callback/:platform', { exposeHeadRoute: false }, (request, reply) => answer(deps, request, reply));
}
