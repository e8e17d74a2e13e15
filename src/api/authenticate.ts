// Who asks: a bearer token in `Authorization`, or, for a browser, the same token as the password of basic
// authentication. Checked before anything is read; a token never comes from a URL.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import { allows, type Scope } from '../core/scopes.ts';
import type { ApiToken } from '../store/api-tokens.ts';
import { sendProblem } from './problem.ts';

/** The token's row when it is valid now, else null. */
export type FindToken = (token: string) => Promise<ApiToken | null>;

/** The token of a request, or null when it brings none. */
export function tokenOf(header: string | undefined): string | null {
  const [, scheme = '', value = ''] = /^(bearer|basic)\s+(\S+)$/i.exec(header ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') return null;
  const [, password = ''] = /^[^:]*:(.*)$/s.exec(Buffer.from(value, 'base64').toString('utf8')) ?? [];
  return password === '' ? null : password;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose request it is, once `requireScope` let it pass. */
    token: ApiToken | null;
  }
}

/** A fastify hook that lets only tokens with `scope` pass. */
export function requireScope(scope: Scope, findToken: FindToken) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const text = tokenOf(request.headers.authorization);
    const token = text === null ? null : await findToken(text);
    if (token === null) {
      reply.header('www-authenticate', 'Basic realm="Tidemark: any name, an API token as password", charset="UTF-8"');
      await sendProblem(
        reply,
        new AppError('api.unauthorized', 'expected a valid API token (Authorization: Bearer tm_…)'),
      );
      return;
    }
    if (!allows(token.scopes, scope)) {
      await sendProblem(
        reply,
        new AppError('api.forbidden', `expected a token with scope ${scope}, this one has ${token.scopes.join(', ')}`),
      );
      return;
    }
    request.token = token;
  };
}
