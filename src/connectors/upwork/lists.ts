// One kind of record that the platform gives as several lists. The first page of all of them comes in one request, which
// counts as one; only the lists that have more are then read one by one.

import type { ErrorReport } from '../../core/errors.ts';
import type { Answer } from './api.ts';
import { listPages, pageOf, type ListPage } from './pages.ts';
import type { Connection } from './queries.ts';

export interface Lists {
  /** What they hold, for errors. */
  readonly what: string;
  readonly count: number;
  /** First page of each list, in their order; null: that one did not come and is asked for by itself. */
  readonly firstPages: () => Promise<Answer<readonly (Connection | null)[]>>;
  readonly page: (list: number, after: string | null) => Promise<Answer<Connection>>;
  /** True when nothing behind this page is wanted. */
  readonly isEnough: (page: Connection) => boolean;
}

/** Where a reading goes on: one of the lists and its cursor. */
export interface ListPlace {
  readonly list: number;
  readonly after: string | null;
}

export interface ListBatch {
  /** Pages of different lists: the same record may be in several. */
  readonly pages: readonly Connection[];
  readonly problems: readonly ErrorReport[];
  /** Null: this was the last batch. */
  readonly next: ListPlace | null;
}

/** From `from` on; null: from the beginning. Throws what the requests throw, and `sync.cursor_stuck`. */
export async function* readLists(lists: Lists, from: ListPlace | null): AsyncGenerator<ListBatch> {
  const isLast = ({ isLast: isEnd, data }: ListPage): boolean => isEnd || lists.isEnough(data);
  const places: ListPlace[] = [];
  if (from === null) {
    const { data, problems } = await lists.firstPages();
    for (const [list, connection] of data.entries()) {
      const page = connection === null ? null : pageOf({ data: connection, problems: [] });
      if (page === null || !isLast(page)) places.push({ list, after: page?.next ?? null });
    }
    yield { pages: data.filter((page) => page !== null), problems, next: places[0] ?? null };
  } else {
    places.push(from);
    for (let list = from.list + 1; list < lists.count; list += 1) places.push({ list, after: null });
  }
  for (const [index, { list, after: start }] of places.entries()) {
    for await (const page of listPages(lists.what, start, (after) => lists.page(list, after))) {
      const isEnd = isLast(page);
      const next = isEnd ? (places[index + 1] ?? null) : { list, after: page.next };
      yield { pages: [page.data], problems: page.problems, next };
      if (isEnd) break;
    }
  }
}
