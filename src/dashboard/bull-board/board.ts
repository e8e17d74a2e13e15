// Bull Board at `/queues`: every queue and its dead letter. Who may see it is decided before a request comes here; what he
// may do is decided here, verb by verb, and written down.

import { createBullBoard } from '@bull-board/api';
import type { FastifyPluginCallback } from 'fastify';
import { deadLetterOf, QUEUES } from '../../../queues/catalog.ts';
import { AppError } from '../../core/errors.ts';
import { PortQueueAdapter } from './adapter.ts';
import { addAnswers } from './answers.ts';
import type { BoardDeps } from './deps.ts';
import { addGuard } from './guard.ts';
import { BoardServerAdapter } from './server-adapter.ts';
import { addWords } from './words.ts';

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

function createServerAdapter(basePath: string, deps: BoardDeps): BoardServerAdapter {
  const serverAdapter = new BoardServerAdapter();
  serverAdapter.setBasePath(basePath);
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
        hideDocsLink: true,
        hideRedisDetails: false,
        pollingInterval: { showSetting: true, forceInterval: 5 },
        showMetrics: true,
      },
    },
  });
  // Its own answer quotes the error's message; thrown on, the error gets the server's answer and its line in the log.
  serverAdapter.setErrorHandler((error) => {
    throw error instanceof URIError ? new AppError('input.invalid', 'expected an address that can be decoded') : error;
  });
  return serverAdapter;
}

/** A fastify plugin to be registered under `basePath`. */
export function createQueueBoard(basePath: string, deps: BoardDeps): FastifyPluginCallback {
  const board = createServerAdapter(basePath, deps).registerPlugin();
  return (app, _options, done) => {
    addGuard(app, basePath, deps);
    addAnswers(app, basePath);
    addWords(app);
    void app.register(board);
    done();
  };
}
