// The HTTP server: the API under `/v1`, health, metrics, sign-in, and the boards. Closed by default: whatever is not named
// here as open asks for a token or a session.

import Fastify, { type FastifyInstance, type FastifyPluginCallback } from 'fastify';
import type { AddressInfo } from 'node:net';
import { AppError, isAbort } from '../core/errors.ts';
import type { Health, Service } from '../lifecycle/service.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { WebhookSecrets } from '../webhooks/webhook-secrets.ts';
import { requireScope, requireViewer, type Authentication, type FindToken } from './authenticate.ts';
import type { ApiDeps } from './call.ts';
import { addDocumentation } from './documentation.ts';
import { createEventStreams, type EventStreams } from './event-stream.ts';
import { acceptJson } from './json-body.ts';
import { mountOperations } from './mount.ts';
import { pagePolicy } from '../core/page-policy.ts';
import { sendProblem, statusOf } from './problem.ts';
import { createGuesses } from './guesses.ts';
import { createRateLimits, type RateLimits } from './rate-limits.ts';
import { createRoutes } from './routes/routes.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { addOAuthCallback } from './oauth-callback.ts';
import { addPushDoor } from './push-door.ts';
import { addSignIn } from './sign-in.ts';
import { addWebhookDoors } from './webhook-door.ts';

export interface ApiServerOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Addresses or networks whose `X-Forwarded-*` headers are believed. */
  readonly trustedProxies: readonly string[];
  /** Requests of one token per minute; 0: no limit. */
  readonly ratePerMinute: number;
  readonly findToken: FindToken;
  /** What the operations under `/v1` work with. */
  readonly deps: ApiDeps;
  /** What must hold for this process to be sent traffic: database, queue, migrations. */
  readonly readiness: () => Promise<Readonly<Record<string, Health>>>;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** What proofs of webhooks are checked against. */
  readonly webhookSecrets: WebhookSecrets;
  /** Bull Board, mounted at `/queues`. */
  readonly queueBoard: FastifyPluginCallback;
  readonly log: EventLog;
}

export interface ApiServer extends Service {
  /** `http://host:port` once started. */
  readonly address: string;
}

const BODY_LIMIT_BYTES = 1024 * 1024;
function addHealth(app: FastifyInstance, { readiness }: ApiServerOptions): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const checks = await readiness();
    const ready = Object.values(checks).every((check) => check.status !== 'down');
    return await reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'down', checks });
  });
}

function addHeadersAndErrors(app: FastifyInstance, log: EventLog): void {
  app.addHook('onSend', async (request, reply) => {
    if (!reply.hasHeader('content-security-policy')) reply.header('content-security-policy', pagePolicy());
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
    reply.header('x-content-type-options', 'nosniff');
    reply.header('x-frame-options', 'DENY');
    reply.header('permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()');
    if (request.protocol === 'https') reply.header('strict-transport-security', 'max-age=31536000');
    if (!reply.hasHeader('referrer-policy')) reply.header('referrer-policy', 'same-origin');
    reply.header('cross-origin-opener-policy', 'same-origin');
    reply.header('cross-origin-resource-policy', 'same-origin');
  });
  app.setErrorHandler(async (error, _request, reply) => {
    // An aborted call is one whose client has left: nobody is answered, and nothing is wrong.
    if (statusOf(error) >= 500 && !isAbort(error)) log.emit('service.failed', { service: 'api', error });
    await sendProblem(reply, error);
  });
  app.setNotFoundHandler(async (_request, reply) => {
    await sendProblem(reply, new AppError('not_found', 'nothing lives at this address'));
  });
}

interface Parts {
  readonly auth: Authentication;
  readonly limits: RateLimits;
  readonly sessions: Sessions;
  readonly streams: EventStreams;
}

function addRoutes(app: FastifyInstance, options: ApiServerOptions, { auth, limits, sessions, streams }: Parts): void {
  const { deps, findToken, metrics, queueBoard } = options;
  addHealth(app, options);
  addSignIn(app, { ...deps, findToken, sessions, guesses: auth.guesses });
  addOAuthCallback(app, { ...deps, guesses: auth.guesses });
  addPushDoor(app, { ...deps, limits });
  addWebhookDoors(app, { ...deps, limits, secrets: options.webhookSecrets });
  addDocumentation(app, auth);
  mountOperations(app, { deps, auth, limits, streams, handlers: createRoutes(deps) });
  app.get('/metrics', { onRequest: requireScope('read', auth) }, async (_request, reply) => {
    const { contentType, text } = await metrics();
    return await reply.type(contentType).send(text);
  });
  app.get('/', async (_request, reply) => await reply.redirect('/queues'));
  void app.register(
    (board, _options, done) => {
      board.addHook('onRequest', requireViewer(auth));
      void board.register(queueBoard);
      done();
    },
    { prefix: '/queues' },
  );
}

async function buildApp(options: ApiServerOptions, streams: EventStreams): Promise<FastifyInstance> {
  const { deps, findToken, log, ratePerMinute, trustedProxies } = options;
  const app = Fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    logger: false,
    forceCloseConnections: true,
    // An address that cannot be read never comes to the error handler. Its own message would repeat the address.
    frameworkErrors: (_error, _request, reply) =>
      void sendProblem(reply, new AppError('input.invalid', 'expected an address that can be decoded')),
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
  });
  app.decorateRequest('token', null);
  app.decorateRequest('proof', null);
  addHeadersAndErrors(app, log);
  acceptJson(app);
  const limits = await createRateLimits(app, ratePerMinute);
  const sessions = createSessions(deps);
  const auth = { findToken, findSession: sessions.find, guesses: createGuesses(deps) };
  addRoutes(app, options, { auth, limits, sessions, streams });
  return app;
}

export function createApiServer(options: ApiServerOptions): ApiServer {
  const streams = createEventStreams();
  let app: FastifyInstance | undefined;
  let address = '';
  return {
    name: 'api',
    get address() {
      return address;
    },
    async start() {
      app = await buildApp(options, streams);
      try {
        await app.listen({ host: options.host, port: options.port });
      } catch (error) {
        throw listenFailure(error, options);
      }
      const { port } = app.server.address() as AddressInfo;
      address = `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;
    },
    async stop() {
      streams.close();
      await app?.close();
      app = undefined;
    },
    health: () => ({
      status: app === undefined ? 'down' : 'ok',
      ...(app === undefined ? { reason: 'not listening' } : {}),
    }),
  };
}

const UNUSABLE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EACCES: 'this user may not listen there',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'no such host is known',
};

/** Trying again is of no use where a person must choose another address. */
function listenFailure(error: unknown, { host, port }: Pick<ApiServerOptions, 'host' | 'port'>): AppError {
  const why = UNUSABLE[(error as NodeJS.ErrnoException).code ?? ''];
  if (why === undefined)
    return new AppError('service.start_failed', `expected to listen on ${host}:${port}: ${String(error)}`, {
      cause: error,
    });
  return new AppError('service.address_unusable', `cannot listen on ${host}:${port}, ${why}: change PORT or HOST`, {
    cause: error,
  });
}
