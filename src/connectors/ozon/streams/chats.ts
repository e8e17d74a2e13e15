// Chats with buyers and with the platform: the whole list each time.

import { defineStream } from '../../contract/connector.ts';
import { createOzonApi } from '../api.ts';
import { listChats } from '../chat-list.ts';
import type { OzonCredential } from '../credential.ts';
import { MARK_CURSOR, markedPages, type MarkCursor } from '../dated.ts';
import { chatKey, parseChat } from '../schemas/chats.ts';
import type { OzonSettings } from '../settings.ts';

export const chats = defineStream<OzonCredential, OzonSettings, 'conversation', MarkCursor>({
  name: 'chats',
  kind: 'conversation',
  owner: 'user',
  defaultIntervalMinutes: 15,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: MARK_CURSOR,
  highWaterMark: () => null,
  read: (plan, context) => markedPages(plan, listChats(createOzonApi(context))),
  parse: parseChat,
  keyOf: chatKey,
});
