// A list that is read by cursors, to its end or until the reader has enough. A cursor that stays or comes again would be
// an endless list; it ends the run with an error instead.

import { AppError } from '../../core/errors.ts';
import type { Answer } from './api.ts';
import type { Connection } from './queries.ts';

/** How `Pagination` is given: no `after` on the first page, and never a null one. */
export interface Pagination {
  readonly first: number;
  readonly after?: string;
}

export function pagination(first: number, after: string | null): Pagination {
  return after === null ? { first } : { first, after };
}

export interface ListPage extends Answer<Connection> {
  readonly isLast: boolean;
  /** Cursor of the page that follows; null: there is none, or the platform does not say it. */
  readonly next: string | null;
}

/** An answer as a page. Totals are not believed: a list ends with an empty page or with the word that nothing follows. */
export function pageOf({ data, problems }: Answer<Connection>): ListPage {
  const isLast = data.edges.length === 0 || data.pageInfo?.hasNextPage !== true;
  return { data, problems, isLast, next: isLast ? null : (data.pageInfo?.endCursor ?? null) };
}

/**
 * Pages of a list from `after` on (null: from its start). Throws what `fetch` throws, and `sync.cursor_stuck` when a page
 * is wanted that no new cursor leads to.
 */
export async function* listPages(
  what: string,
  after: string | null,
  fetch: (after: string | null) => Promise<Answer<Connection>>,
): AsyncGenerator<ListPage> {
  const seen = new Set<string>();
  for (let cursor = after; ;) {
    if (cursor !== null) seen.add(cursor);
    const page = pageOf(await fetch(cursor));
    yield page;
    if (page.isLast) return;
    if (page.next === null || seen.has(page.next)) {
      throw new AppError(
        'sync.cursor_stuck',
        `Upwork says that there are more ${what} but its cursor stays or comes again`,
      );
    }
    cursor = page.next;
  }
}

/** Most records that one page of a stream may hold. */
const MAX_RECORDS = 1_000;

/** Records that came in one answer as pages that may be stored; at least one, the last one marked. */
export function* inPages<Raw>(
  records: readonly Raw[],
): Generator<{ readonly records: readonly Raw[]; readonly isLast: boolean }> {
  for (let at = 0; at === 0 || at < records.length; at += MAX_RECORDS)
    yield { records: records.slice(at, at + MAX_RECORDS), isLast: at + MAX_RECORDS >= records.length };
}
