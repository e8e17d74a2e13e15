// The rooms of an account. A list without filter hides many of them (231 against 80 in a report of 2026), so a reading
// unites six lists: each kind of hiding has its own.

import type { ErrorReport } from '../../core/errors.ts';
import type { UpworkApi } from './api.ts';
import { readLists, type ListPlace } from './lists.ts';
import { pagination } from './pages.ts';
import { recordsOf } from './queries.ts';
import { listRooms, listRoomsAtOnce } from './room-queries.ts';
import { idOf } from '../toolkit/parse-record.ts';

const PAGE_SIZE = 100;

const ROOM_LISTS = [
  {},
  { includeHidden_eq: true },
  { includeFavorites_eq: true },
  { roomType_eq: 'GROUP' },
  { roomType_eq: 'ONE_ON_ONE' },
  { roomType_eq: 'INTERVIEW' },
] as const;

const FIRST_PAGES = listRoomsAtOnce(ROOM_LISTS.length);

export interface RoomBatch {
  /** Raw rooms; the same room may come in several batches, never twice in one. */
  readonly rooms: readonly unknown[];
  readonly problems: readonly ErrorReport[];
  /** Null: this was the last batch. */
  readonly next: ListPlace | null;
}

/** Each room once; one without an id stays, to be told of. */
function onceEach(rooms: readonly unknown[]): readonly unknown[] {
  const seen = new Set<string>();
  return rooms.filter((room) => {
    const id = idOf(room);
    if (id === null) return true;
    const isNew = !seen.has(id);
    seen.add(id);
    return isNew;
  });
}

/** Rooms in which something was written since `since` (null: all), from `from` on (null: from the beginning). */
export async function* readRoomLists(
  api: UpworkApi,
  since: Date | null,
  from: ListPlace | null,
): AsyncGenerator<RoomBatch> {
  const active = since === null ? {} : { activeSince_eq: since.toISOString() };
  const filters = ROOM_LISTS.map((filter) => ({ ...filter, ...active }));
  const lists = {
    what: 'rooms',
    count: filters.length,
    firstPages: () =>
      api.query(FIRST_PAGES, {
        ...Object.fromEntries(filters.map((filter, list) => [`filter${list}`, filter])),
        pagination: pagination(PAGE_SIZE, null),
      }),
    page: (list: number, after: string | null) =>
      api.query(listRooms, { filter: filters[list], pagination: pagination(PAGE_SIZE, after) }),
    isEnough: () => false,
  };
  for await (const { pages, problems, next } of readLists(lists, from)) {
    const parts = pages.map((page) => recordsOf(page, 'rooms'));
    yield {
      rooms: onceEach(parts.flatMap(({ records }) => records)),
      problems: [...problems, ...parts.flatMap(({ problems: lost }) => lost)],
      next,
    };
  }
}
