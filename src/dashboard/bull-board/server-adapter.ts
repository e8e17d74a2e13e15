// Bull Board's routes on fastify, with handlers of our own where the board's would do the wrong thing.

import type { AppControllerRoute, BullBoardRequest, ControllerHandlerReturnType } from '@bull-board/api/dist/types.js';
import { FastifyAdapter } from '@bull-board/fastify';
import { AppError } from '../../core/errors.ts';
import { PortQueueAdapter } from './adapter.ts';

type Handler = (request: BullBoardRequest) => Promise<ControllerHandlerReturnType<Record<string, unknown>>>;

function queueOf({ queues, params }: BullBoardRequest): PortQueueAdapter {
  const queue = queues.get(String(params['queueName']));
  if (queue instanceof PortQueueAdapter) return queue;
  throw new AppError('not_found', `no queue has the name ${String(params['queueName'])}`);
}

/** The board's would send dead letters one by one, and stop at the first that cannot be sent. */
const retryAll: Handler = async (request) => {
  const status = String(request.params['queueStatus']);
  if (status !== 'failed')
    throw new AppError('input.invalid', `expected to retry what failed, got ${status}: duplicate such a job instead`);
  return { status: 200, body: { ...(await queueOf(request).retryAll()) } };
};

/** The board's would say that it was done. */
const keepPayload: Handler = () =>
  Promise.reject(
    new AppError('input.invalid', 'the payload of a job does not change: duplicate it with another one, and remove it'),
  );

const OWN: Readonly<Record<string, Handler>> = {
  '/api/queues/:queueName/retry/:queueStatus': retryAll,
  '/api/queues/:queueName/:jobId/update-data': keepPayload,
};

export class BoardServerAdapter extends FastifyAdapter {
  override setApiRoutes(routes: AppControllerRoute[]): FastifyAdapter {
    const chosen = routes.map((route): AppControllerRoute => {
      const own = typeof route.route === 'string' && Object.hasOwn(OWN, route.route) ? OWN[route.route] : undefined;
      return own === undefined ? route : { ...route, handler: own as AppControllerRoute['handler'] };
    });
    return super.setApiRoutes(chosen);
  }
}
