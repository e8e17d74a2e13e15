// What leaves the board, in the form that we serve: its page under our policy, buttons only for whoever may press them,
// errors with the words that the page shows, and how long a browser may keep a file.

import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pagePolicy } from '../../core/page-policy.ts';
import { allows } from '../../core/scopes.ts';
import { routeOf } from './guard.ts';
import { ownPage, PAGE_FILES } from './page.ts';
import { isViewer } from './rights.ts';

/** The name changes with the content. */
const HASHED = /\.[\da-f]{10}\.(?:js|css)$/;
const FOR_EVER = 'private, max-age=31536000, immutable';
const PROBLEM = 'application/problem+json';

interface QueuesAnswer {
  readonly queues: readonly object[];
}

/** Whoever may only look is shown no buttons. */
function hideButtons(payload: string): string {
  const { queues, ...rest } = JSON.parse(payload) as QueuesAnswer;
  const shown = queues.map((queue) => ({ ...queue, readOnlyMode: true, allowRetries: false }));
  return JSON.stringify({ ...rest, queues: shown });
}

/** The page shows `error` and `message` of an answer; a problem document says both in words of its own. */
function withNotice(payload: string): string {
  const problem = JSON.parse(payload) as { readonly code: string; readonly detail: string };
  return JSON.stringify({ ...problem, error: problem.detail, message: problem.code });
}

function page(html: string, { token }: FastifyRequest, reply: FastifyReply): string {
  const nonce = randomBytes(16).toString('base64url');
  reply.header('content-security-policy', pagePolicy(`'nonce-${nonce}'`));
  return ownPage(html, { nonce, history: allows(token?.scopes ?? [], 'admin') ? 'purgeable' : 'kept' });
}

function answer(payload: string, route: string, request: FastifyRequest, reply: FastifyReply): string {
  const type = String(reply.getHeader('content-type'));
  if (type.startsWith('text/html')) return page(payload, request, reply);
  if (type.startsWith(PROBLEM)) return withNotice(payload);
  const isQueues = route === '/api/queues' && reply.statusCode === 200;
  return isQueues && isViewer(request.token?.scopes ?? []) ? hideButtons(payload) : payload;
}

export function addAnswers(app: FastifyInstance, basePath: string): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const route = routeOf(request, basePath);
    // The board's own files come with a header that lets a browser keep them and ask again each time.
    if (route.startsWith('/static/'))
      reply.header('cache-control', reply.statusCode < 400 && HASHED.test(request.url) ? FOR_EVER : 'no-store');
    return typeof payload === 'string' ? answer(payload, route, request, reply) : payload;
  });
  for (const { path, type, text } of PAGE_FILES)
    app.get(`/${path}`, async (_request, reply) => reply.type(type).header('cache-control', FOR_EVER).send(text));
}
