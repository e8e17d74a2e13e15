// Up to which message each chat is stored. The most recent ones are remembered by name; of the others, however many, only a mark: a
// chat that is not remembered and whose last message is not beyond the mark is stored.

import { z } from 'zod';

/** A cursor has 64 KiB. */
const MAX_KNOWN = 500;

const messageId = z.string().regex(/^\d{1,20}$/);

export const knownChatsSchema = z.strictObject({
  /** Chat and the last message of it that is stored, by that message. */
  known: z.array(z.tuple([z.string(), messageId])).max(MAX_KNOWN),
  /** Null: every chat is remembered. */
  mark: messageId.nullable(),
});

export type KnownChats = z.output<typeof knownChatsSchema>;

export interface ChatEnd {
  readonly chatId: string;
  /** Of the last message: digits that may pass 2^53. */
  readonly last: string;
}

export interface ChatMemory {
  /** The last message of a chat that is stored, where it is remembered. */
  lastOf(chatId: string): string | undefined;
  /** Those in which somebody spoke, in the order in which they must be noted. */
  changedOf(chats: readonly ChatEnd[]): readonly ChatEnd[];
  /** A chat is stored to its last message. What `changedOf` named before it must have been noted. */
  note(chat: ChatEnd): void;
  state(): KnownChats;
}

const isBeyond = (one: string, other: string): boolean => BigInt(one) > BigInt(other);
const byLast = (a: string, b: string): number => (a === b ? 0 : isBeyond(a, b) ? 1 : -1);

export function createChatMemory(start: KnownChats | null): ChatMemory {
  const known = new Map(start?.known);
  let mark = start?.mark ?? null;
  return {
    lastOf: (chatId) => known.get(chatId),
    changedOf(chats) {
      const isStored = ({ chatId, last }: ChatEnd): boolean => {
        const stored = known.get(chatId);
        return stored === undefined ? mark !== null && !isBeyond(last, mark) : stored === last;
      };
      // By last message, so that whatever is forgotten is behind everything that is still to come.
      return chats.filter((chat) => !isStored(chat)).toSorted((a, b) => byLast(a.last, b.last));
    },
    note({ chatId, last }) {
      known.set(chatId, last);
      if (known.size <= MAX_KNOWN) return;
      const [oldest, end] = [...known].reduce((least, each) => (isBeyond(least[1], each[1]) ? each : least));
      known.delete(oldest);
      mark = mark === null || isBeyond(end, mark) ? end : mark;
    },
    state: () => ({ known: [...known].toSorted((a, b) => byLast(a[1], b[1])), mark }),
  };
}
