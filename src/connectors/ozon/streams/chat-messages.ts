// What was said in chats. The list of chats names the last message of each, so only those are read in which it is another one: from
// the last message that is stored, or, of a chat that is not remembered, back to its beginning.

import { z } from 'zod';
import { DAY_MS } from '../../../core/duration.ts';
import type { ErrorReport } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { exactNumber } from '../../toolkit/exact-json.ts';
import { keyIn } from '../../toolkit/parse-record.ts';
import { createOzonApi, type Context, type OzonApi } from '../api.ts';
import { listChats } from '../chat-list.ts';
import type { OzonCredential } from '../credential.ts';
import { createChatMemory, knownChatsSchema, type ChatEnd, type KnownChats } from '../known-chats.ts';
import { chatKey, messageKey, parseMessage } from '../schemas/chats.ts';
import type { OzonSettings } from '../settings.ts';

type Row = Readonly<Record<string, unknown>>;

const LIMIT = 1_000;
/** Messages of one chat, in answers. */
const MAX_ANSWERS = 1_000;
/** Chats are mostly short: a page has those of several. */
const PAGE = 1_000;

const UPSERT = { kind: 'upsert' } as const;

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

/** Chats in which anything was said, with how far each goes. */
async function listEnds(
  api: OzonApi,
): Promise<{ readonly ends: readonly ChatEnd[]; readonly problems: ErrorReport[] }> {
  const ends: ChatEnd[] = [];
  const problems: ErrorReport[] = [];
  for await (const { rows, doubt } of listChats(api)) {
    if (doubt !== null) problems.push(doubt);
    for (const row of rows) {
      const [chatId, last] = [chatKey(row), keyIn(row, 'last_message_id')];
      if (chatId !== null && last !== null && /^[1-9]\d{0,19}$/.test(last)) ends.push({ chatId, last });
    }
  }
  return { ends, problems };
}

async function* read({ cursor, type }: Plan<KnownChats>, context: Context): AsyncGenerator<Page<KnownChats>> {
  const api = createOzonApi(context);
  const { ends, problems } = await listEnds(api);
  const memory = createChatMemory(cursor);
  // A chat that the list did not have may be behind the mark.
  const place = (): { checkpoint?: KnownChats } => (problems.length > 0 ? {} : { checkpoint: memory.state() });
  let records: Row[] = [];
  for (const chat of memory.changedOf(ends)) {
    // A backfill wants what is old.
    const from = type === 'backfill' ? undefined : memory.lastOf(chat.chatId);
    for await (const messages of historyOf(api, chat.chatId, from)) {
      if (records.length + messages.length > PAGE) {
        yield { records, mode: UPSERT };
        records = [];
      }
      records.push(...messages);
    }
    memory.note(chat);
    if (records.length < PAGE / 2) continue;
    yield { records, mode: UPSERT, ...place() };
    records = [];
  }
  yield { records, mode: UPSERT, ...place(), problems };
}

export const chatMessages = defineStream<OzonCredential, OzonSettings, 'message', KnownChats>({
  name: 'chat_messages',
  kind: 'message',
  owner: 'user',
  defaultIntervalMinutes: 5,
  // Read marks and edits change no last message, and nobody promises that ids of all chats go by time.
  fullEveryMs: 7 * DAY_MS,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 2, schema: knownChatsSchema },
  highWaterMark: () => null,
  read,
  parse: parseMessage,
  keyOf: messageKey,
});
