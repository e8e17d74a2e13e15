// Chats with buyers: the whole list in one answer.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import { pagesOf } from '../../toolkit/pages.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { createWildberriesApi } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { CHATS } from '../endpoints.ts';
import { parseChat } from '../schemas/chats.ts';
import type { WildberriesSettings } from '../settings.ts';

const cursorSchema = z.strictObject({ readAt: z.iso.datetime() });
const answerSchema = z.object({ result: z.array(z.record(z.string(), z.unknown())).nullish() });

export const chats = defineStream<
  WildberriesCredential,
  WildberriesSettings,
  'conversation',
  z.output<typeof cursorSchema>
>({
  name: 'chats',
  kind: 'conversation',
  owner: 'user',
  defaultIntervalMinutes: 15,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: false,
  typicalCost: 1,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: () => null,
  async *read({ until }, context) {
    const answer = await createWildberriesApi(context).ask(CHATS, answerSchema);
    for (const { records, isLast } of pagesOf(answer?.result ?? [])) {
      const unsigned = records.map(({ replySign: _sign, ...chat }) => chat);
      const checkpoint = { readAt: until.toISOString() };
      yield { records: unsigned, mode: { kind: 'upsert' }, ...(isLast ? { checkpoint } : {}) };
    }
  },
  parse: parseChat,
  keyOf: (raw) => keyIn(raw, 'chatID'),
});
