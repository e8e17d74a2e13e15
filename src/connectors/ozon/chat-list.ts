// Chats of a shop, page by page.

import { z } from 'zod';
import type { OzonApi } from './api.ts';
import { listPages, type ListPart } from './pages.ts';
import { rows } from './schemas/scalars.ts';

const LIMIT = 100;

const answerSchema = z.object({ chats: rows, cursor: z.string().nullish(), has_next: z.boolean().nullish() });

export function listChats(api: OzonApi): AsyncGenerator<ListPart<unknown>> {
  return listPages('chats', LIMIT, async (cursor) => {
    const body = { filter: { chat_status: 'ALL', unread_only: false }, limit: LIMIT, cursor };
    const { chats, cursor: next, has_next: hasNext } = await api.call('/v3/chat/list', body, answerSchema);
    return { rows: chats, cursor: next ?? '', hasNext: hasNext ?? null };
  });
}
