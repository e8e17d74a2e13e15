// `GET /{number}/message_history`: which statuses of a message there were, without anything of its content.

import type { AcceptedMessage } from './conversations.ts';
import { pageRequest, type GraphCall, type NodeOf } from './graph.ts';
import { digitsOf } from './ids.ts';
import { pageOf } from './paging.ts';

const MAX_MESSAGES = 100;

/** One row per message, `message_id` chooses one. */
export function messageHistory(call: GraphCall<NodeOf<'number'>>): object {
  const { parts, node, request } = call;
  const wanted = request.query.get('message_id');
  const rows = parts.conversations
    .sentTo(node.number)
    .filter(({ id }) => wanted === null || id === wanted)
    .map((message) => ({ id: digitsOf(`history ${message.id}`, 18), message }));
  return pageOf(rows, pageRequest(call, MAX_MESSAGES), {
    traps: parts.traps,
    shown: ({ id, message }) => ({ id, message_id: message.id, events: eventsOf(message) }),
  });
}

function eventsOf({ id, statuses }: AcceptedMessage): object {
  const data = statuses.map(({ status, at }, index) => ({
    id: digitsOf(`event ${id} ${index}`, 18),
    delivery_status: status.toUpperCase(),
    timestamp: Math.floor(at.getTime() / 1_000),
    webhook_update_state: 'DELIVERED',
  }));
  return { data };
}
