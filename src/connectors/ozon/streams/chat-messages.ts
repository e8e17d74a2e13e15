// What was said in chats. The list of chats names the last message of each, so only those are read in which it is another one: from
// the last message that is stored, or, of a chat that is new to us, back to its beginning.

import { z } from 'zod';
import type { ErrorReport } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { exactNumber } from '../../toolkit/exact-json.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { createOzonApi, type Context, type OzonApi } from '../api.ts';
import { listChats } from '../chat-list.ts';
import type { OzonCredential } from '../credential.ts';
import { chatKey, messageKey, parseMessage } from '../schemas/chats.ts';
import type { OzonSettings } from '../settings.ts';

type Row = Readonly<Record<string, unknown>>;

const LIMIT = 1_000;
/** Chats whose last message is remembered: a cursor is small. A chat that was forgotten is read again when somebody speaks. */
const MAX_KNOWN = 500;
/** Messages of one chat, in answers. */
const MAX_ANSWERS = 1_000;

const cursorSchema = z.strictObject({
  /** Chat and the last message of it that is stored, the latest spoken of last. */
  known: z.array(z.tuple([z.string(), z.string()])).max(MAX_KNOWN),
});

type Cursor = z.output<typeof cursorSchema>;

const historySchema = z.object({
  messages: z.array(z.record(z.string(), z.unknown())).nullish(),
  has_next: z.boolean().nullish(),
});

/** Answers of a chat's history from `from` on, which is stored; or all of it, the newest first. */
async function* historyOf(api: OzonApi, chatId: string, from: string | undefined): AsyncGenerator<readonly Row[]> {
  const direction = from === undefined ? 'Backward' : 'Forward';
  const seen = new Set<string>();
  let place = from;
  for (let answer = 0; answer < MAX_ANSWERS; answer += 1) {
    const at = place === undefined ? {} : { from_message_id: exactNumber(place) };
    const body = { chat_id: chatId, direction, limit: LIMIT, ...at };
    const { messages, has_next: hasNext } = await api.call('/v3/chat/history', body, historySchema);
    const rows = messages ?? [];
    yield rows.map((row) => ({ ...row, chatId }));
    place = furthest(rows, direction) ?? place;
    if (hasNext !== true || rows.length === 0 || place === undefined || seen.has(place)) return;
    seen.add(place);
  }
}

/** The id with which the next answer begins. */
function furthest(rows: readonly Row[], direction: 'Backward' | 'Forward'): string | undefined {
  const ids = rows.map((row) => keyIn(row, 'message_id')).filter((id) => id !== null && /^\d+$/.test(id));
  const sorted = ids.map((id) => BigInt(id!)).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return (direction === 'Backward' ? sorted[0] : sorted.at(-1))?.toString();
}

async function* read({ cursor, type }: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createOzonApi(context);
  const known = new Map(cursor?.known);
  const problems: ErrorReport[] = [];
  for await (const { rows, doubt } of listChats(api)) {
    if (doubt !== null) problems.push(doubt);
    for (const chat of rows) {
      const id = chatKey(chat);
      const last = keyIn(chat, 'last_message_id');
      if (id === null || last === null || last === '0' || known.get(id) === last) continue;
      // A backfill wants what is old.
      const from = type === 'backfill' ? undefined : known.get(id);
      for await (const messages of historyOf(api, id, from)) yield { records: messages, mode: { kind: 'upsert' } };
      known.delete(id);
      known.set(id, last);
      yield { records: [], mode: { kind: 'upsert' }, checkpoint: { known: [...known].slice(-MAX_KNOWN) } };
    }
  }
  yield { records: [], mode: { kind: 'upsert' }, checkpoint: { known: [...known].slice(-MAX_KNOWN) }, problems };
}

export const chatMessages = defineStream<OzonCredential, OzonSettings, 'message', Cursor>({
  name: 'chat_messages',
  kind: 'message',
  owner: 'user',
  defaultIntervalMinutes: 5,
  fullEveryMs: null,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: () => null,
  read,
  parse: parseMessage,
  keyOf: messageKey,
});
