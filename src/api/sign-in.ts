// Signing in and out: a token for a cookie. The only door that takes a form; it is open only to our own pages.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { Database } from '../db/database.ts';
import type { ApiToken } from '../store/api-tokens.ts';
import { insertAudit, type AuditOutcome } from '../store/audit-logs.ts';
import type { FindToken } from './authenticate.ts';
import { CONSOLE_CSS, TIDEMARK_SVG } from './console-css.ts';
import { addFonts } from './fonts.ts';
import { requireOwnPage } from './cross-site.ts';
import type { Guesses } from './rate-limits.ts';
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

const HTML = 'text/html; charset=utf-8';
const FORM_LIMIT_BYTES = 8 * 1024;
const HOME = '/queues';

/** A path of this server; anything else would send the browser away. */
export function localPath(wanted: unknown): string {
  if (typeof wanted !== 'string' || !/^\/(?![/\\])[\w\-./?=&%:~]*$/.test(wanted)) return HOME;
  return wanted;
}

function audit({ db, clock }: SignInDeps, action: string, token: ApiToken | null, outcome: AuditOutcome) {
  return insertAudit(db, { at: clock.now(), token, action, target: null, outcome });
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

async function signIn(deps: SignInDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  requireOwnPage(request);
  const fields = fieldsOf(request);
  const next = localPath(fields.get('next'));
  try {
    const token = await tryToken(deps, request, (fields.get('token') ?? '').trim());
    const secret = await deps.sessions.start(token);
    await audit(deps, 'sign-in', token, 'done');
    reply.header('set-cookie', sessionCookie(secret, { lastsMs: SESSION_MS, protocol: request.protocol }));
    return await reply.redirect(next, 303);
  } catch (error) {
    const { code, message } = toAppError(error);
    if (code !== 'api.unauthorized' && code !== 'api.rate_limited') throw error;
    await audit(deps, 'sign-in', null, 'refused');
    const status = code === 'api.unauthorized' ? 401 : 429;
    const problem = status === 401 ? message : 'Too many wrong tokens from this address: wait a minute.';
    return await reply.code(status).type(HTML).send(signInPage({ next, problem }));
  }
}

async function signOut(deps: SignInDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  requireOwnPage(request);
  const secret = sessionOf(request.headers.cookie);
  if (secret !== null) {
    const token = await deps.sessions.find(secret);
    await deps.sessions.end(secret);
    if (token !== null) await audit(deps, 'sign-out', token, 'done');
  }
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
