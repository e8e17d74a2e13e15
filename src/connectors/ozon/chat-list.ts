// Chats of a shop, page by page.

import { z } from 'zod';
import type { OzonApi } from './api.ts';
import { listPages, type PlacedPage } from './places.ts';

export type Row = Readonly<Record<string, unknown>>;

const LIMIT = 100;

const answerSchema = z.object({
  chats: z.array(z.record(z.string(), z.unknown())).nullish(),
  cursor: z.string().nullish(),
  has_next: z.boolean().nullish(),
});

export function listChats(api: OzonApi, start = ''): AsyncGenerator<PlacedPage<Row>> {
  return listPages(async (cursor) => {
    const body = { filter: { chat_status: 'ALL', unread_only: false }, limit: LIMIT, cursor };
    const { chats, cursor: next, has_next: hasNext } = await api.call('/v3/chat/list', body, answerSchema);
    return { records: chats ?? [], next: next ?? null, hasNext: hasNext ?? null };
  }, start);
}
