// Messages that are sent for users, and the events that platforms delivered for them.

import { z } from 'zod';
import { outgoingSchema } from '../../core/outgoing.ts';
import { operation } from './define.ts';
import { errorReport } from './jobs.ts';
import { id, instant, instantIn, pageOf, pageQuery } from './words.ts';

const MESSAGE_STATES = ['queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'unknown', 'cancelled'] as const;
const EVENT_STATES = ['waiting', 'done', 'dead'] as const;
const MAX_REPLAY = 10_000;

const message = z
  .object({
    id,
    integrationId: id,
    chat: z.string(),
    status: z.enum(MESSAGE_STATES).meta({
      description: '`unknown`: the answer was lost, so it may have been sent or not, and is not sent again',
    }),
    attempts: z.int(),
    platformMessageId: z.string().nullable(),
    error: errorReport.nullable(),
    createdAt: instant,
    settledAt: instant.nullable(),
    deliveredAt: instant.nullable(),
    readAt: instant.nullable(),
  })
  .meta({ id: 'OutboundMessage' });

const event = z
  .object({
    id,
    kind: z.string().meta({ description: 'The platform’s word for what happened' }),
    lane: z.string().meta({ description: 'Events of one lane are processed in their order' }),
    state: z.enum(EVENT_STATES).meta({ description: '`dead`: could not be read, and waits for a replay' }),
    error: errorReport.nullable(),
    receivedAt: instant,
    processedAt: instant.nullable(),
  })
  .meta({ id: 'InboxEvent' });

const tag = 'messages';
const params = z.strictObject({ messageId: id });

export const messageOperations = {
  sendMessage: operation({
    method: 'POST',
    path: '/v1/messages',
    scope: 'enqueue',
    tag,
    summary: 'Queue a message; messages of one chat leave in the order in which they were queued',
    body: z.strictObject({
      integrationId: id,
      message: outgoingSchema,
      allowRepeat: z
        .boolean()
        .default(false)
        .meta({ description: 'Whether it may be sent again when the answer was lost: better twice than never' }),
      uniqueKey: z
        .string()
        .min(1)
        .max(500)
        .optional()
        .meta({ description: 'A second message of the integration with this key is the first one' }),
      notBefore: instantIn.optional(),
    }),
    status: 202,
    answer: z.object({
      messageId: id,
      created: z.boolean().meta({ description: 'False: the message with this unique key stands for it' }),
    }),
  }),
  getMessage: operation({
    method: 'GET',
    path: '/v1/messages/{messageId}',
    scope: 'read',
    tag,
    summary: 'How far a message got',
    params,
    answer: message,
  }),
  cancelMessage: operation({
    method: 'POST',
    path: '/v1/messages/{messageId}/cancel',
    scope: 'enqueue',
    tag,
    summary: 'Take back a message that has not left',
    params,
    answer: z.object({ changed: z.boolean().meta({ description: 'False: it is on its way, or settled' }) }),
  }),
  listInboxEvents: operation({
    method: 'GET',
    path: '/v1/integrations/{integrationId}/events',
    scope: 'read',
    tag,
    summary: 'Events that the platform delivered, newest first; kept for 8 days, dead ones for 90',
    params: z.strictObject({ integrationId: id }),
    query: z.strictObject({ ...pageQuery, state: z.enum(EVENT_STATES).optional() }),
    answer: pageOf(event),
  }),
  replayInboxEvents: operation({
    method: 'POST',
    path: '/v1/integrations/{integrationId}/events/replay',
    scope: 'operate',
    tag,
    summary: 'Process dead events again, oldest first',
    params: z.strictObject({ integrationId: id }),
    body: z.strictObject({ limit: z.int().min(1).max(MAX_REPLAY).default(1_000) }),
    answer: z.object({ replayed: z.int() }),
  }),
};
