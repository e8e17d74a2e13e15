// Bull Board at `/queues`: every queue and its dead letter. Who may see it is decided before a request comes here; what he
// may do is decided here, verb by verb, and written down.

import { createBullBoard } from '@bull-board/api';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyInstance, FastifyPluginCallback, FastifyRequest } from 'fastify';
import { deadLetterOf, QUEUES } from '../../../queues/catalog.ts';
import { AppError } from '../../core/errors.ts';
import { allows } from '../../core/scopes.ts';
import { insertAudit, type AuditOutcome } from '../../store/audit-logs.ts';
import { PortQueueAdapter } from './adapter.ts';
import type { BoardDeps } from './deps.ts';
import { BOARD_POLICY, ownPage } from './page.ts';
import { isViewer, verbOf, type BoardVerb } from './rights.ts';

const DESCRIPTIONS: Readonly<Record<(typeof QUEUES)[number], string>> = {
  'sync-upwork': 'Runs of Upwork streams',
  'sync-marketplace': 'Runs of Wildberries and Ozon streams',
  'sync-messaging': 'Runs of Telegram and WhatsApp streams',
  'sync-profiles': 'Profile imports',
  'send-messages': 'Outgoing messages',
  webhooks: 'Stored webhook events',
  metrics: 'Daily rollups into user_metrics',
  maintenance: 'Credential refresh and upkeep',
};

function createServerAdapter(basePath: string, deps: BoardDeps): FastifyAdapter {
  const serverAdapter = new FastifyAdapter().setBasePath(basePath);
  createBullBoard({
    serverAdapter,
    queues: QUEUES.flatMap((queue) => [
      new PortQueueAdapter(queue, DESCRIPTIONS[queue], deps),
      new PortQueueAdapter(deadLetterOf(queue), `Dead letter of ${queue}`, deps),
    ]),
    options: {
      historyProvider: deps.history,
      uiConfig: {
        boardTitle: 'Tidemark',
        boardLogo: { path: '/assets/tidemark.svg', width: 24, height: 24 },
        favIcon: { default: '/assets/tidemark.svg', alternative: '/assets/tidemark.svg' },
        miscLinks: [
          { text: 'API', url: '/docs' },
          { text: 'Sign out', url: '/sign-out' },
        ],
        hideRedisDetails: false,
        pollingInterval: { showSetting: true, forceInterval: 5 },
        showMetrics: true,
      },
    },
  });
  // Its own answer quotes the error's message; thrown on, the error gets the server's answer and its line in the log.
  serverAdapter.setErrorHandler((error) => {
    throw error;
  });
  return serverAdapter;
}

/** The board's own route, without our prefix. */
function routeOf({ routeOptions }: FastifyRequest, basePath: string): string {
  const { url = '' } = routeOptions;
  return url.startsWith(basePath) ? url.slice(basePath.length) : url;
}

function targetOf({ params }: FastifyRequest): string | null {
  const named = Object.values((params ?? {}) as Readonly<Record<string, string>>);
  return named.length === 0 ? null : named.join('/');
}

const OUTCOMES: readonly (readonly [number, AuditOutcome])[] = [
  [500, 'failed'],
  [400, 'refused'],
  [0, 'done'],
];

/** Before an action its right, after it its line in the audit log. */
function addRights(app: FastifyInstance, basePath: string, { db, clock }: BoardDeps): void {
  const verbIn = (request: FastifyRequest): BoardVerb | null => verbOf(request.method, routeOf(request, basePath));

  app.addHook('preHandler', async (request) => {
    const verb = verbIn(request);
    if (verb === null || allows(request.token?.scopes ?? [], verb.scope)) return;
    throw new AppError('api.forbidden', `expected a token with scope ${verb.scope} for ${verb.action}`);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const verb = verbIn(request);
    if (verb === null) return payload;
    const [, outcome] = OUTCOMES.find(([from]) => reply.statusCode >= from)!;
    const { action } = verb;
    await insertAudit(db, { at: clock.now(), token: request.token, action, target: targetOf(request), outcome });
    return payload;
  });
}

interface QueuesAnswer {
  readonly queues: readonly object[];
}

/** Whoever may only look is shown no buttons. */
function hideButtons(payload: string): string {
  const { queues, ...rest } = JSON.parse(payload) as QueuesAnswer;
  const shown = queues.map((queue) => ({ ...queue, readOnlyMode: true, allowRetries: false }));
  return JSON.stringify({ ...rest, queues: shown });
}

/** A fastify plugin to be registered under `basePath`. */
export function createQueueBoard(basePath: string, deps: BoardDeps): FastifyPluginCallback {
  const board = createServerAdapter(basePath, deps).registerPlugin();
  return (app, _options, done) => {
    addRights(app, basePath, deps);
    app.addHook('onSend', async (request, reply, payload) => {
      if (routeOf(request, basePath).startsWith('/static/')) reply.header('cache-control', 'private, max-age=86400');
      if (typeof payload !== 'string') return payload;
      const type = String(reply.getHeader('content-type'));
      if (type.startsWith('text/html')) {
        reply.header('content-security-policy', BOARD_POLICY);
        return ownPage(payload);
      }
      const isQueues = routeOf(request, basePath) === '/api/queues' && reply.statusCode === 200;
      return isQueues && isViewer(request.token?.scopes ?? []) ? hideButtons(payload) : payload;
    });
    void app.register(board);
    done();
  };
}
