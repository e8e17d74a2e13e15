// Pages of Ozon's lists, with the ways in which they fail to end.

import { invalidArgument } from './failure.ts';
import type { OzonTraps } from './traps.ts';

export interface OzonPage<T> {
  readonly rows: readonly T[];
  readonly cursor: string;
  readonly hasNext: boolean;
}

const tokenOf = (offset: number): string => Buffer.from(`at:${offset}`).toString('base64url');

function offsetOf(cursor: string): number {
  if (cursor === '') return 0;
  const offset = /^at:(\d+)$/.exec(Buffer.from(cursor, 'base64url').toString('utf8'))?.[1];
  if (offset === undefined) throw invalidArgument('invalid cursor');
  return Number(offset);
}

/** The page at `cursor`. The cursor is an offset, so whatever leaves the list before it shifts the rest. */
export function pageOf<T>(
  all: readonly T[],
  { cursor, limit }: { readonly cursor: string; readonly limit: number },
  { hasNextOnEmpty, cursorRepeats, cursorEmpty }: Pick<OzonTraps, 'hasNextOnEmpty' | 'cursorRepeats' | 'cursorEmpty'>,
): OzonPage<T> {
  if (cursorRepeats) return { rows: all.slice(0, limit), cursor: tokenOf(limit), hasNext: true };
  const at = offsetOf(cursor);
  const end = at + limit;
  const rows = all.slice(at, end);
  if (hasNextOnEmpty) return { rows, cursor: tokenOf(Math.min(end, all.length)), hasNext: true };
  const hasNext = end < all.length;
  return { rows, cursor: hasNext && !cursorEmpty ? tokenOf(end) : '', hasNext };
}

/** The page behind the row whose id is `lastId`, for lists that go by `last_id`; the rows are in the order of the list. */
export function pageBehind<T>(
  all: readonly T[],
  { lastId, limit, idOf }: { readonly lastId: string; readonly limit: number; readonly idOf: (row: T) => string },
): { readonly rows: readonly T[]; readonly lastId: string } {
  const at = lastId === '' ? 0 : all.findIndex((row) => idOf(row) === lastId) + 1;
  if (lastId !== '' && at === 0) throw invalidArgument('invalid last_id');
  const rows = all.slice(at, at + limit);
  const last = rows.at(-1);
  return { rows, lastId: last === undefined ? '' : idOf(last) };
}
