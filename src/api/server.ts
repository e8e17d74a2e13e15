// The HTTP server: health, metrics, and the boards behind a token. Closed by default: whatever is not named here as open
// asks for a token.

import Fastify, { type FastifyInstance, type FastifyPluginCallback } from 'fastify';
import type { AddressInfo } from 'node:net';
import { AppError } from '../core/errors.ts';
import type { Health, Service } from '../lifecycle/service.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { requireScope, type FindToken } from './authenticate.ts';
import type { ApiDeps } from './call.ts';
import { mountOperations } from './mount.ts';
import { sendProblem, statusOf } from './problem.ts';
import { createRoutes } from './routes/routes.ts';

export interface ApiServerOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly findToken: FindToken;
  /** What the operations under `/v1` work with. */
  readonly deps: ApiDeps;
  /** What must hold for this process to be sent traffic: database, queue, migrations. */
  readonly readiness: () => Promise<Readonly<Record<string, Health>>>;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** Bull Board, mounted at `/queues`. */
  readonly queueBoard: FastifyPluginCallback;
  readonly log: EventLog;
}

export interface ApiServer extends Service {
  /** `http://host:port` once started. */
  readonly address: string;
}

const BODY_LIMIT_BYTES = 1024 * 1024;
/** Strict but for inline style and script, which Bull Board's page carries; fonts and connections from here only. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'";

function addHealth(app: FastifyInstance, { readiness }: ApiServerOptions): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const checks = await readiness();
    const ready = Object.values(checks).every((check) => check.status !== 'down');
    return await reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'down', checks });
  });
}

function buildApp(options: ApiServerOptions): FastifyInstance {
  const { deps, findToken, metrics, queueBoard, log } = options;
  const app = Fastify({ bodyLimit: BODY_LIMIT_BYTES, logger: false, forceCloseConnections: true });
  app.decorateRequest('token', null);
  app.addHook('onSend', async (_request, reply) => {
    reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
    reply.header('x-content-type-options', 'nosniff');
    reply.header('referrer-policy', 'no-referrer');
    reply.header('cache-control', 'no-store');
  });
  app.setErrorHandler(async (error, _request, reply) => {
    if (statusOf(error) >= 500) log.emit('service.failed', { service: 'api', error });
    await sendProblem(reply, error);
  });
  app.setNotFoundHandler(async (_request, reply) => {
    await sendProblem(reply, new AppError('not_found', 'nothing lives at this address'));
  });
  addHealth(app, options);
  mountOperations(app, { deps, findToken, handlers: createRoutes(deps) });
  app.get('/metrics', { onRequest: requireScope('read', findToken) }, async (_request, reply) => {
    const { contentType, text } = await metrics();
    return await reply.type(contentType).send(text);
  });
  app.get('/', async (_request, reply) => await reply.redirect('/queues'));
  void app.register(
    (board, _options, done) => {
      board.addHook('onRequest', requireScope('read', findToken));
      void board.register(queueBoard);
      done();
    },
    { prefix: '/queues' },
  );
  return app;
}

export function createApiServer(options: ApiServerOptions): ApiServer {
  let app: FastifyInstance | undefined;
  let address = '';
  return {
    name: 'api',
    get address() {
      return address;
    },
    async start() {
      app = buildApp(options);
      try {
        await app.listen({ host: options.host, port: options.port });
      } catch (error) {
        throw listenFailure(error, options);
      }
      const { port } = app.server.address() as AddressInfo;
      address = `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;
    },
    async stop() {
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
