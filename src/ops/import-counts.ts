// What came of an import, in numbers and in the first few reasons. No reason quotes a record.

import type { UpsertResult } from '../store/upsert.ts';

export interface TalkCounts {
  readonly read: number;
  readonly new: number;
  /** Told by a record that could not be read. */
  readonly refused: number;
}

/** `read` is the sum of the others. */
export interface MessageCounts {
  readonly read: number;
  readonly new: number;
  readonly changed: number;
  readonly unchanged: number;
  /** Left as the integration received them, or removed them. */
  readonly kept: number;
  /** Twice in one page; the later one counts. */
  readonly duplicate: number;
  readonly refused: number;
}

export interface ImportCounts {
  readonly talks: TalkCounts;
  readonly messages: MessageCounts;
}

/** Something of the file that was not stored. */
export interface Problem {
  /** `chats.list.3.messages.17.date_unixtime` */
  readonly path: string;
  readonly reason: string;
}

export const NOTHING_IMPORTED: ImportCounts = {
  talks: { read: 0, new: 0, refused: 0 },
  messages: { read: 0, new: 0, changed: 0, unchanged: 0, kept: 0, duplicate: 0, refused: 0 },
};

export const MAX_PROBLEMS = 20;

function addNumbers<T extends { readonly [K in keyof T]: number }>(a: T, b: T): T {
  const names = Object.keys(a) as (keyof T)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as unknown as T;
}

export function addCounts(a: ImportCounts, b: ImportCounts): ImportCounts {
  return { talks: addNumbers(a.talks, b.talks), messages: addNumbers(a.messages, b.messages) };
}

/** Of messages that were written: what is older than what another import stored is left, like what is the same. */
export function writtenCounts({
  inserted,
  changed,
  unchanged,
  stale,
}: UpsertResult): Pick<MessageCounts, 'new' | 'changed' | 'unchanged'> {
  return { new: inserted, changed, unchanged: unchanged + stale };
}
