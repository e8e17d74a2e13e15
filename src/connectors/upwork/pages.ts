// A list that is read by cursors, to its end or until the reader has enough. A cursor that stays or comes again would be
// an endless list; it ends the run with an error instead.

import { AppError } from '../../core/errors.ts';
import type { Answer } from './api.ts';
import type { Connection } from './queries.ts';

export interface ListPage extends Answer<Connection> {
  /** Cursor of the page that follows; null: this is the last one. */
  readonly next: string | null;
}

/**
 * Pages of a list from `after` on (null: from its start). Throws `sync.cursor_stuck`, and what `fetch` throws. Totals are
 * not believed: a list ends with an empty page or with the platform's word that nothing follows.
 */
export async function* listPages(
  what: string,
  after: string | null,
  fetch: (after: string | null) => Promise<Answer<Connection>>,
): AsyncGenerator<ListPage> {
  const seen = new Set<string>();
  for (let cursor = after, isLast = false; !isLast;) {
    if (cursor !== null) seen.add(cursor);
    const { data, problems }: Answer<Connection> = await fetch(cursor);
    const end = data.pageInfo?.endCursor ?? null;
    isLast = data.edges.length === 0 || data.pageInfo?.hasNextPage !== true;
    if (!isLast && (end === null || seen.has(end))) {
      throw new AppError(
        'sync.cursor_stuck',
        `Upwork says that there are more ${what} but its cursor stays or comes again`,
      );
    }
    yield { data, problems, next: isLast ? null : end };
    cursor = end;
  }
}
