// Signing in and out: a token for a cookie. The only door that takes a form; it is open only to our own pages.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { AppError, toAppError } from '../core/errors.ts';
import { hideOpaqueWords } from '../core/opaque-words.ts';
import { allows } from '../core/scopes.ts';
import type { Database } from '../db/database.ts';
import type { ApiToken } from '../store/api-tokens.ts';
import { noteSecurityEvent, type SecurityEventName } from '../store/security-logs.ts';
import type { FindToken } from './authenticate.ts';
import { CONSOLE_CSS, TIDEMARK_SVG } from './console-css.ts';
import { addFonts } from './fonts.ts';
import { requireOwnPage } from './cross-site.ts';
import type { Guesses } from './guesses.ts';
import { HTML } from './html-page.ts';
import { sessionCookie, sessionOf } from './session-cookie.ts';
import { SESSION_MS, type Sessions } from './sessions.ts';
import { signInPage, signOutPage } from './sign-in-page.ts';

export interface SignInDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly findToken: FindToken;
  readonly sessions: Sessions;
  readonly guesses: Guesses;
}

const FORM_LIMIT_BYTES = 8 * 1024;
const HOME = '/queues';

/** A path of this server; anything else would send the browser away. One with a token in it is not repeated. */
export function localPath(wanted: unknown): string {
  if (typeof wanted !== 'string' || !/^\/(?![/\\])[\w\-./?=&%:~]*$/.test(wanted)) return HOME;
  return hideOpaqueWords(wanted) === wanted ? wanted : HOME;
}

function tell(
  { db, clock }: SignInDeps,
  { ip, token }: FastifyRequest,
  event: Extract<SecurityEventName, `sign_${string}`>,
): Promise<void> {
  return noteSecurityEvent(db, { at: clock.now(), event, token, address: ip });
}

function fieldsOf(request: FastifyRequest): URLSearchParams {
  return request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
}

async function tryToken(deps: SignInDeps, request: FastifyRequest, text: string): Promise<ApiToken> {
  await deps.guesses.check(request, text);
  const token = await deps.findToken(text);
  await deps.guesses.note(request, text, token === null ? 'wrong' : 'right');
  if (token === null) throw new AppError('api.unauthorized', 'This is no valid token: mistyped, revoked or expired.');
  return token;
}

/** The browser's older session, if any, is over. */
async function endSession(deps: SignInDeps, request: FastifyRequest): Promise<ApiToken | null> {
  const secret = sessionOf(request.headers.cookie);
  if (secret === null) return null;
  const token = await deps.sessions.find(secret);
  await deps.sessions.end(secret);
  return token;
}

/** The form again, with why. What is refused without looking at the token is not written down: it would be endless. */
async function refuse(deps: SignInDeps, request: FastifyRequest, error: unknown) {
  const { code, message } = toAppError(error);
  if (code === 'api.locked_out')
    return { status: 429, problem: 'Too many wrong tokens from this address: it is locked out for a while.' };
  if (code !== 'api.unauthorized' && code !== 'api.forbidden') throw error;
  await tell(deps, request, 'sign_in.refused');
  return { status: code === 'api.unauthorized' ? 401 : 403, problem: message };
}

async function signIn(deps: SignInDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  requireOwnPage(request);
  const fields = fieldsOf(request);
  const next = localPath(fields.get('next'));
  try {
    const token = await tryToken(deps, request, (fields.get('token') ?? '').trim());
    request.token = token;
    if (token.userId !== null)
      throw new AppError('api.forbidden', 'This token belongs to a user; the boards show everybody’s jobs.');
    if (!allows(token.scopes, 'read'))
      throw new AppError('api.forbidden', `This token lacks the scope read; it has ${token.scopes.join(', ')}.`);
    await endSession(deps, request);
    const secret = await deps.sessions.start(token);
    await tell(deps, request, 'sign_in.done');
    reply.header('set-cookie', sessionCookie(secret, { lastsMs: SESSION_MS, protocol: request.protocol }));
    return await reply.redirect(next, 303);
  } catch (error) {
    const { status, problem } = await refuse(deps, request, error);
    return await reply.code(status).type(HTML).send(signInPage({ next, problem }));
  }
}

async function signOut(deps: SignInDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  requireOwnPage(request);
  request.token = await endSession(deps, request);
  if (request.token !== null) await tell(deps, request, 'sign_out.done');
  reply.header('set-cookie', sessionCookie('', { lastsMs: 0, protocol: request.protocol }));
  return await reply.redirect('/sign-in', 303);
}

/** Routes of their own, so that only they take forms. */
export function addSignIn(app: FastifyInstance, deps: SignInDeps): void {
  addFonts(app);
  void app.register((pages, _options, done) => {
    pages.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: FORM_LIMIT_BYTES },
      (_request, text, parsed) => parsed(null, new URLSearchParams(String(text))),
    );
    pages.get('/sign-in', async (request, reply) => {
      const { next } = request.query as { readonly next?: unknown };
      return await reply.type(HTML).send(signInPage({ next: localPath(next), problem: null }));
    });
    pages.post('/sign-in', (request, reply) => signIn(deps, request, reply));
    pages.get('/sign-out', async (_request, reply) => await reply.type(HTML).send(signOutPage()));
    pages.post('/sign-out', (request, reply) => signOut(deps, request, reply));
    pages.get('/assets/console.css', async (_request, reply) => await reply.type('text/css').send(CONSOLE_CSS));
    pages.get('/assets/tidemark.svg', async (_request, reply) => await reply.type('image/svg+xml').send(TIDEMARK_SVG));
    done();
  });
}
