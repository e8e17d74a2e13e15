// Bull Board at `/queues`: every queue and its dead letter. Who may see it is decided before a request comes here.

import { createBullBoard } from '@bull-board/api';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyPluginCallback } from 'fastify';
import { deadLetterOf, QUEUES } from '../../../queues/catalog.ts';
import { ReadOnlyQueueAdapter, type QueueAdapterDeps } from './adapter.ts';

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

/** Bull Board's page asks Google for its fonts; our pages ask nobody but us. */
const FOREIGN_LINKS = /<link\b[^>]*\bhref="https?:[^>]*>\s*/g;

/** A fastify plugin to be registered under `basePath`. */
export function createQueueBoard(basePath: string, deps: QueueAdapterDeps): FastifyPluginCallback {
  const serverAdapter = new FastifyAdapter().setBasePath(basePath);
  createBullBoard({
    serverAdapter,
    queues: QUEUES.flatMap((queue) => [
      new ReadOnlyQueueAdapter(queue, DESCRIPTIONS[queue], deps),
      new ReadOnlyQueueAdapter(deadLetterOf(queue), `Dead letter of ${queue}`, deps),
    ]),
    options: {
      uiConfig: {
        boardTitle: 'Tidemark',
        hideRedisDetails: false,
        pollingInterval: { showSetting: true, forceInterval: 5 },
        showMetrics: false,
      },
    },
  });
  // Its own answer quotes the error's message; thrown on, the error gets the server's answer and its line in the log.
  serverAdapter.setErrorHandler((error) => {
    throw error;
  });
  const board = serverAdapter.registerPlugin();
  return (app, _options, done) => {
    app.addHook('onSend', async (_request, reply, payload) =>
      typeof payload === 'string' && String(reply.getHeader('content-type')).startsWith('text/html')
        ? payload.replaceAll(FOREIGN_LINKS, '')
        : payload,
    );
    void app.register(board);
    done();
  };
}
