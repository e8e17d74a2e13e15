// /v1/integrations/{integrationId}/streams: the kinds of record of one integration, each with its own schedule.

import { AppError } from '../../core/errors.ts';
import type { Tx } from '../../db/database.ts';
import { backfillIn } from '../../scheduler/backfill.ts';
import { streamsOf } from '../../ops/accounts.ts';
import { changeStream } from '../../ops/change-stream.ts';
import { listStreams, resetStream, type StreamKey, type StreamView } from '../../store/streams.ts';
import type { ApiDeps, Handlers } from '../call.ts';
import type { streamOperations } from '../contract/integrations.ts';
import { showStream } from '../shown.ts';
import { requireIntegration } from './integrations.ts';

type Names = keyof typeof streamOperations;

async function requireStream(tx: Tx, { integrationId, stream }: StreamKey): Promise<StreamView> {
  await requireIntegration(tx, integrationId);
  const found = (await listStreams(tx, integrationId)).find((each) => each.stream === stream);
  if (found === undefined)
    throw new AppError('not_found', `the integration has no stream ${JSON.stringify(stream.slice(0, 100))}`);
  return found;
}

export function streamRoutes({ clock, queue, costOf, connectorOf }: ApiDeps): Handlers<Names> {
  return {
    async listStreams({ params: { integrationId }, inTx }) {
      return await inTx(async (tx) => {
        await requireIntegration(tx, integrationId);
        return { items: (await listStreams(tx, integrationId)).map(showStream) };
      });
    },
    async setStream({ params, body: { schedule, enabled, unpark }, inTx }) {
      return await inTx(async (tx) => {
        await requireStream(tx, params);
        const { platformId } = await requireIntegration(tx, params.integrationId);
        const defaults = streamsOf(connectorOf(platformId));
        await changeStream(tx, params, { schedule, defaults, enabled, unpark, now: clock.now() });
        return showStream(await requireStream(tx, params));
      });
    },
    async resetStream({ params, inTx }) {
      return await inTx(async (tx) => {
        await requireStream(tx, params);
        await resetStream(tx, params, clock.now());
        return showStream(await requireStream(tx, params));
      });
    },
    async backfillStream({ params, body: { from, to = null }, inTx }) {
      const deps = { clock, queue, ...(costOf ? { costOf } : {}) };
      return await inTx((tx) => backfillIn(tx, deps, { ...params, from, to, trigger: 'api' }));
    },
  };
}
