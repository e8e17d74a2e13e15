// A chunk of history: thousands of messages of many chats. It is cut by chat, and long chats into parts, so that each piece is a
// transaction of its own and a chat stays in its lane.

import type { Piece } from './piece.ts';
import { idIn } from './schemas/people.ts';

/** Messages of one piece. */
const PART_MESSAGES = 500;

type Json = Readonly<Record<string, unknown>>;

/**
 * Pieces of a chunk `{metadata: {phase, chunk_order, progress}, threads: [{id, messages}]}` or of its refusal `{errors}`: one that
 * says how far the history is, and its messages.
 */
export function historyPieces(chunk: unknown): readonly Piece[] {
  const { threads, metadata, ...rest } = Object(chunk) as Json;
  const all = Array.isArray(threads) ? (threads as readonly unknown[]) : [];
  const phase = metadata === undefined ? {} : { chunk: metadata };
  const head: Piece = {
    kind: 'history',
    key: null,
    lane: 'history',
    body: { ...phase, value: { ...phase, ...rest, threads: all.length } },
  };
  return [head, ...all.flatMap((thread) => threadPieces(thread, phase))];
}

function threadPieces(thread: unknown, phase: Json): readonly Piece[] {
  const { messages, context } = Object(thread) as Json;
  const all = Array.isArray(messages) ? (messages as readonly unknown[]) : [];
  // Somebody whose number is hidden is named by the context alone.
  const id = idIn(thread, 'id') ?? idIn(context, 'wa_id', 'user_id');
  const pieces: Piece[] = [];
  for (let from = 0; from < all.length; from += PART_MESSAGES) {
    pieces.push({
      kind: 'history',
      key: null,
      lane: id,
      body: { ...phase, thread: { ...(thread as Json), messages: all.slice(from, from + PART_MESSAGES) } },
    });
  }
  return pieces;
}
