// /v1/messages, and the events of an integration.

import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { Tx } from '../../db/database.ts';
import { queueMessage } from '../../messages/queue-message.ts';
import { actFor } from '../../store/act-for.ts';
import { listInbox, replayInbox, type InboxView } from '../../store/inbox-upkeep.ts';
import { findIntegration } from '../../store/integrations.ts';
import { cancelOutbound, findOutbound, ownerOfOutbound, type OutboundView } from '../../store/outbound-views.ts';
import { redactedReport } from '../../telemetry/redacted.ts';
import { handOn } from '../../webhooks/hand-on.ts';
import type { ApiDeps, Handlers } from '../call.ts';
import type { messageOperations } from '../contract/messages.ts';
import { decodeCursor, pageOfRows } from '../cursor.ts';
import { iso } from '../shown.ts';

const cursorPlace = z.string().regex(/^\d{1,19}$/);

function show({ error, createdAt, settledAt, deliveredAt, readAt, ...message }: OutboundView) {
  return {
    ...message,
    error: error === null ? null : redactedReport(error),
    createdAt: createdAt.toISOString(),
    settledAt: iso(settledAt),
    deliveredAt: iso(deliveredAt),
    readAt: iso(readAt),
  };
}

function showEvent({ id, kind, lane, state, error, receivedAt, processedAt }: InboxView) {
  return {
    id,
    kind,
    lane,
    state,
    error: error === null ? null : redactedReport(error),
    receivedAt: receivedAt.toISOString(),
    processedAt: iso(processedAt),
  };
}

/** From here on the transaction sees the rows of the integration's user. Throws `not_found`, also for another tenant's. */
async function actForIntegration(tx: Tx, integrationId: string): Promise<void> {
  const integration = await findIntegration(tx, integrationId);
  if (integration === null) throw new AppError('not_found', `no integration has the id ${integrationId}`);
  await actFor(tx, integration.userId);
}

/** The same for a message. */
async function actForMessage(tx: Tx, messageId: string, tenant: string | null): Promise<void> {
  const owner = await ownerOfOutbound(tx, messageId);
  if (owner === null || (tenant !== null && owner !== tenant))
    throw new AppError('not_found', `no message has the id ${messageId}`);
  await actFor(tx, owner);
}

export function messageRoutes(deps: ApiDeps): Handlers<keyof typeof messageOperations> {
  const { clock } = deps;
  return {
    async sendMessage({ body: { uniqueKey = null, notBefore = null, ...body }, inTx }) {
      return await inTx((tx) => queueMessage(tx, deps, { ...body, uniqueKey, notBefore }));
    },
    async getMessage({ params: { messageId }, tenant, inTx }) {
      return await inTx(async (tx) => {
        await actForMessage(tx, messageId, tenant);
        return show((await findOutbound(tx, messageId))!);
      });
    },
    async cancelMessage({ params: { messageId }, tenant, inTx }) {
      return await inTx(async (tx) => {
        await actForMessage(tx, messageId, tenant);
        return { changed: await cancelOutbound(tx, messageId, clock.now()) };
      });
    },
    async listInboxEvents({ params: { integrationId }, query: { limit, cursor, state }, inTx }) {
      const before = cursor === undefined ? undefined : decodeCursor(cursor, cursorPlace);
      return await inTx(async (tx) => {
        await actForIntegration(tx, integrationId);
        const events = await listInbox(tx, { integrationId, state, before, limit: limit + 1 });
        return pageOfRows(events, limit, { show: showEvent, place: ({ seq }) => seq });
      });
    },
    async replayInboxEvents({ params: { integrationId }, body: { limit }, inTx }) {
      const replayed = await inTx(async (tx) => {
        await actForIntegration(tx, integrationId);
        return await replayInbox(tx, integrationId, limit);
      });
      await handOn(deps, replayed);
      return { replayed: replayed.length };
    },
  };
}
