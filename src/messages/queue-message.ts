// A message on its way into the queue: checked by its platform's own rules, then the row and the job that sends it, in one
// transaction.

import type { JobQueue } from '../../queues/port.ts';
import { AppError } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import type { OutgoingMessage } from '../core/outgoing.ts';
import type { AnyConnector } from '../connectors/contract/connector.ts';
import type { Tx } from '../db/database.ts';
import { actFor } from '../store/act-for.ts';
import { findIntegration } from '../store/integrations.ts';
import { insertOutbound } from '../store/outbound.ts';

export interface QueueMessageDeps {
  readonly queue: Pick<JobQueue, 'enqueue'>;
  readonly clock: Clock;
  readonly connectorOf: (platform: string) => AnyConnector;
}

export interface QueuedRequest {
  readonly integrationId: string;
  readonly message: OutgoingMessage;
  readonly allowRepeat: boolean;
  readonly uniqueKey: string | null;
  readonly notBefore: Date | null;
}

/** Throws `not_found`, `input.invalid` for what the platform does not take, `api.conflict` for an account that is gone. */
export async function queueMessage(
  tx: Tx,
  { queue, clock, connectorOf }: QueueMessageDeps,
  { integrationId, message, allowRepeat, uniqueKey, notBefore }: QueuedRequest,
): Promise<{ readonly messageId: string; readonly created: boolean }> {
  const integration = await findIntegration(tx, integrationId);
  if (integration === null) throw new AppError('not_found', `no integration has the id ${integrationId}`);
  if (integration.status === 'disconnected')
    throw new AppError('api.conflict', 'expected a connected integration, this one was disconnected');
  const { sending, displayName } = connectorOf(integration.platformId);
  if (sending === undefined) throw new AppError('input.invalid', `nothing can be sent to ${displayName}`);
  sending.check(message);
  const { userId } = integration;
  await actFor(tx, userId);
  const { id: messageId, created } = await insertOutbound(tx, {
    userId,
    integrationId,
    chatKey: sending.chatKeyOf(message),
    message,
    allowRepeat,
    dedupeKey: uniqueKey,
    notBefore,
    now: clock.now(),
  });
  if (created) {
    const runAt = notBefore === null ? {} : { runAt: notBefore };
    await queue.enqueue(
      { kind: 'message.send', payload: { messageId }, userId, workClass: 'interactive', ...runAt },
      { tx },
    );
  }
  return { messageId, created };
}
