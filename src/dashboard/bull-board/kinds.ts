// What the board is told of the kinds of a queue: how their payload must look, and what holds for their jobs unless somebody
// says otherwise.

import type { QueueDefaultJobOptions } from '@bull-board/api/dist/types.js';
import { z } from 'zod';
import { KINDS, type JobKind, type QueueName } from '../../../queues/catalog.ts';
import { HISTORY_MS } from '../../../queues/driver.ts';
import { SECOND_MS } from '../../core/duration.ts';

/** The kinds that may go to this queue. */
export function kindsOf(queue: QueueName): readonly JobKind[] {
  const kinds = Object.keys(KINDS) as JobKind[];
  return kinds.filter((kind) => (KINDS[kind].queues as readonly QueueName[]).includes(queue));
}

/** JSON Schema of the payload of any of them; undefined for a queue without kinds. */
export function payloadSchemaOf(queue: QueueName): Record<string, unknown> | undefined {
  const schemas = kindsOf(queue).map((kind) => z.toJSONSchema(KINDS[kind].payload, { io: 'input' }));
  const [first, ...more] = schemas;
  return first === undefined || more.length === 0 ? first : { anyOf: schemas };
}

/** Of the queue's usual kind. */
export function defaultOptionsOf(queue: QueueName): QueueDefaultJobOptions {
  const [kind] = kindsOf(queue);
  if (kind === undefined) return {};
  const { maxAttempts, backoff } = KINDS[kind].retry;
  const kept = { age: HISTORY_MS / SECOND_MS };
  return {
    attempts: maxAttempts,
    priority: 0,
    backoff: { type: `exponential with jitter, at most ${backoff.capMs} ms`, delay: backoff.baseMs },
    removeOnComplete: kept,
    removeOnFail: kept,
  };
}
