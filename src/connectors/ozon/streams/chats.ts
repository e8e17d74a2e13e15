// Chats with buyers and with the platform: the whole list.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import { createOzonApi } from '../api.ts';
import { listChats } from '../chat-list.ts';
import type { OzonCredential } from '../credential.ts';
import { chatKey, parseChat } from '../schemas/chats.ts';
import type { OzonSettings } from '../settings.ts';

const cursorSchema = z.strictObject({ place: z.string().nullable() });

export const chats = defineStream<OzonCredential, OzonSettings, 'conversation', z.output<typeof cursorSchema>>({
  name: 'chats',
  kind: 'conversation',
  owner: 'user',
  defaultIntervalMinutes: 15,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: () => null,
  async *read({ cursor }, context) {
    for await (const { records, next } of listChats(createOzonApi(context), cursor?.place ?? ''))
      yield { records, mode: { kind: 'upsert' }, checkpoint: { place: next } };
  },
  parse: parseChat,
  keyOf: chatKey,
});
