// Push notifications of Ozon: which of them hints at which streams. They carry no signature (document of the API, 2026-05), so of a
// body only its kind and the seller that it names are looked at.

import { z } from 'zod';
import type { Push, PushNotice } from '../contract/push.ts';

const PING = 'TYPE_PING';

const POSTINGS = ['fbs_postings'];
const CARDS = ['products'];
const CHATS = ['chats'];
const TALK = [...CHATS, 'chat_messages'];

/** Kinds of the document of 2026-05 and of reports up to 2026-08; one that nothing is stored of hints at nothing. */
const STREAMS_OF: ReadonlyMap<string, readonly string[]> = new Map([
  ['TYPE_NEW_POSTING', POSTINGS],
  ['TYPE_POSTING_CANCELLED', POSTINGS],
  ['TYPE_POSTING_SHIPPED', POSTINGS],
  ['TYPE_STATE_CHANGED', POSTINGS],
  ['TYPE_CUTOFF_DATE_CHANGED', POSTINGS],
  ['TYPE_DELIVERY_DATE_CHANGED', POSTINGS],
  ['TYPE_CREATE_ITEM', CARDS],
  ['TYPE_UPDATE_ITEM', CARDS],
  ['TYPE_CREATE_OR_UPDATE_ITEM', CARDS],
  ['TYPE_PRICE_INDEX_CHANGED', ['prices']],
  ['TYPE_STOCKS_CHANGED', ['stocks']],
  ['TYPE_NEW_MESSAGE', TALK],
  // The list of chats says nothing of edits and read marks of messages, so a pull would not find them.
  ['TYPE_UPDATE_MESSAGE', CHATS],
  ['TYPE_MESSAGE_READ', CHATS],
  ['TYPE_CHAT_CLOSED', CHATS],
]);

/** Orders in the platform's own warehouses: kinds are added, and all are named alike. */
const FBO_KIND = /^TYPE_(?:\w+_)?FBO_/;

const schema = z.object({
  message_type: z.string().min(1).max(100),
  // A number in most kinds, text in those of chats.
  seller_id: z.union([z.int().nonnegative().transform(String), z.string().max(30)]).nullish(),
});

function read(body: unknown): PushNotice | null {
  const { data } = schema.safeParse(body);
  if (data === undefined) return null;
  const { message_type: kind, seller_id: sellerId } = data;
  if (kind === PING) return { kind: null, accountId: null, streams: [], isKnown: true };
  if (sellerId == null) return null;
  const streams = STREAMS_OF.get(kind) ?? (FBO_KIND.test(kind) ? ['fbo_postings'] : undefined);
  return { kind, accountId: sellerId, streams: streams ?? [], isKnown: streams !== undefined };
}

/** The name says who answers; the version is the API's, since whoever asks may be anybody. */
const WE = { version: '1', name: 'Tidemark' };

export const push: Push = {
  read,
  answer: ({ kind }, at) => (kind === null ? { ...WE, time: at.toISOString() } : { result: true }),
};
