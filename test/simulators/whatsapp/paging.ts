// Pages of Graph's lists. A cursor is made of the item it stands behind, so it is worth nothing once that item is gone. The last
// page has `cursors.after` as well: only a missing `next` says that there is no more.

import { invalidParameter } from './failure.ts';
import type { WhatsappTraps } from './traps.ts';

export interface PageRequest {
  readonly query: URLSearchParams;
  /** Address of the list without its query. */
  readonly address: string;
  /** Token that the caller put into the query, or that `next` is to show all the same. */
  readonly token: string;
  readonly isTokenInQuery: boolean;
  readonly maxLimit: number;
}

export type PageTraps = Pick<WhatsappTraps, 'nextCarriesToken' | 'hidden' | 'cursorRepeats'>;

const DEFAULT_LIMIT = 25;

const cursorOf = (id: string): string => Buffer.from(`at:${id}`).toString('base64url');

/** `{data, paging}` of the page that was asked for. Throws 100 for a limit out of bounds and for a cursor of nobody. */
export function pageOf<Item extends { readonly id: string }>(
  all: readonly Item[],
  request: PageRequest,
  { traps, shown }: { traps: PageTraps; shown: (item: Item) => unknown },
): object {
  const limit = limitOf(request);
  const from = traps.cursorRepeats ? 0 : startOf(all, request.query, limit);
  const cut = all.slice(from, from + limit);
  const data = cut.filter(({ id }) => !traps.hidden.has(id)).map(shown);
  const [first, last] = [cut[0], cut.at(-1)];
  if (first === undefined || last === undefined) return { data };
  const hasNext = traps.cursorRepeats || from + cut.length < all.length;
  const cursors = { before: cursorOf(first.id), after: cursorOf(last.id) };
  const addressAt = (name: 'before' | 'after'): string => addressOf(request, { name, cursor: cursors[name], traps });
  return {
    data,
    paging: {
      cursors,
      ...(hasNext ? { next: addressAt('after') } : {}),
      ...(from > 0 ? { previous: addressAt('before') } : {}),
    },
  };
}

function limitOf({ query, maxLimit }: PageRequest): number {
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT);
  if (Number.isInteger(limit) && limit >= 1 && limit <= maxLimit) return limit;
  throw invalidParameter(`Param limit must be a number between 1 and ${maxLimit}`);
}

function startOf(all: readonly { readonly id: string }[], query: URLSearchParams, limit: number): number {
  const after = query.get('after');
  if (after !== null && after !== '') return placeOf(all, after) + 1;
  const before = query.get('before');
  return before === null || before === '' ? 0 : Math.max(0, placeOf(all, before) - limit);
}

function placeOf(all: readonly { readonly id: string }[], cursor: string): number {
  const place = all.findIndex(({ id }) => cursorOf(id) === cursor);
  if (place < 0) throw invalidParameter('Invalid cursor');
  return place;
}

function addressOf(
  { query, address, token, isTokenInQuery }: PageRequest,
  { name, cursor, traps }: { name: 'before' | 'after'; cursor: string; traps: PageTraps },
): string {
  const kept = new URLSearchParams([...query].filter(([key]) => !['before', 'after', 'access_token'].includes(key)));
  if (isTokenInQuery || traps.nextCarriesToken) kept.set('access_token', token);
  kept.set(name, cursor);
  return `${address}?${kept.toString()}`;
}
