// What was said in all chats, as one sequence of events. Its end is an answer without events; what comes later begins there.

import { z } from 'zod';
import { AppError } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import { count } from '../../toolkit/scalars.ts';
import { createWildberriesApi } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { CHAT_EVENTS } from '../endpoints.ts';
import { eventKey, parseEvent } from '../schemas/chats.ts';
import type { WildberriesSettings } from '../settings.ts';

const cursorSchema = z.strictObject({
  /** The platform's own mark, milliseconds since 1970; null: from the beginning. */
  next: z.int().min(0).nullable(),
});

const answerSchema = z.object({
  result: z.object({
    next: count.pipe(z.int().min(0)).nullish(),
    totalEvents: count,
    events: z.array(z.record(z.string(), z.unknown())).nullish(),
  }),
});

export const chatMessages = defineStream<
  WildberriesCredential,
  WildberriesSettings,
  'message',
  z.output<typeof cursorSchema>
>({
  name: 'chat_messages',
  kind: 'message',
  owner: 'user',
  defaultIntervalMinutes: 5,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ next }) => (next === null ? null : new Date(next)),
  async *read({ cursor }, context) {
    const api = createWildberriesApi(context);
    let next = cursor?.next ?? null;
    for (;;) {
      const answer = await api.ask(CHAT_EVENTS, answerSchema, next === null ? {} : { query: { next } });
      const { totalEvents = 0, events = [], next: told } = answer?.result ?? {};
      const isEnd = totalEvents === 0 || events == null || events.length === 0;
      const before = next;
      next = told ?? next;
      const records = (events ?? []).map(({ replySign: _sign, ...event }) => event);
      yield { records, mode: { kind: 'upsert' }, checkpoint: { next } };
      if (isEnd) return;
      if (next === before)
        throw new AppError('platform.answer_invalid', 'expected the events to go on, got the same place');
    }
  },
  parse: parseEvent,
  keyOf: eventKey,
});
