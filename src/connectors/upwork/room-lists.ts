// The rooms of an account. A list without filter hides many of them (231 against 80 in a report of 2026), so a reading
// unites six lists: each kind of hiding has its own. The first page of all six comes in one request, which counts as one.

import type { ErrorReport } from '../../core/errors.ts';
import type { UpworkApi } from './api.ts';
import { listPages, pageOf, pagination } from './pages.ts';
import { recordsOf, type Connection } from './queries.ts';
import { idOf } from './schemas/parse.ts';
import { listRooms, listRoomsAtOnce } from './room-queries.ts';

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

/** Where a reading goes on: one of the six lists and its cursor. */
export interface RoomPlace {
  readonly list: number;
  readonly after: string | null;
}

export interface RoomBatch {
  /** Raw rooms; the same room may come in several batches, never twice in one. */
  readonly rooms: readonly unknown[];
  readonly problems: readonly ErrorReport[];
  /** Null: this was the last batch. */
  readonly next: RoomPlace | null;
}

function filterOf(list: number, since: Date | null): Readonly<Record<string, unknown>> {
  return { ...ROOM_LISTS[list], ...(since === null ? {} : { activeSince_eq: since.toISOString() }) };
}

/** Each room once; one without an id stays, to be told of. */
function unite(connections: readonly Connection[]): Pick<RoomBatch, 'rooms' | 'problems'> {
  const parts = connections.map((connection) => recordsOf(connection, 'rooms'));
  const seen = new Set<string>();
  const rooms = parts
    .flatMap(({ records }) => records)
    .filter((room) => {
      const id = idOf(room);
      if (id === null) return true;
      const isNew = !seen.has(id);
      seen.add(id);
      return isNew;
    });
  return { rooms, problems: parts.flatMap(({ problems }) => problems) };
}

/** Rooms in which something was written since `since` (null: all), from `from` on (null: from the beginning). */
export async function* readRoomLists(
  api: UpworkApi,
  since: Date | null,
  from: RoomPlace | null,
): AsyncGenerator<RoomBatch> {
  const places: RoomPlace[] = [];
  if (from === null) {
    const filters = Object.fromEntries(ROOM_LISTS.map((_, list) => [`filter${list}`, filterOf(list, since)]));
    const { data, problems } = await api.query(FIRST_PAGES, { ...filters, pagination: pagination(PAGE_SIZE, null) });
    for (const [list, connection] of data.entries()) {
      const { isLast, next } = pageOf({ data: connection, problems: [] });
      if (!isLast) places.push({ list, after: next });
    }
    const { rooms, problems: lost } = unite(data);
    yield { rooms, problems: [...problems, ...lost], next: places[0] ?? null };
  } else {
    places.push(from, ...ROOM_LISTS.flatMap((_, list) => (list > from.list ? [{ list, after: null }] : [])));
  }
  for (const [index, { list, after: start }] of places.entries()) {
    const filter = filterOf(list, since);
    const pages = listPages('rooms', start, (after) =>
      api.query(listRooms, { filter, pagination: pagination(PAGE_SIZE, after) }),
    );
    for await (const { data, problems, isLast, next } of pages) {
      const { rooms, problems: lost } = unite([data]);
      yield {
        rooms,
        problems: [...problems, ...lost],
        next: isLast ? (places[index + 1] ?? null) : { list, after: next },
      };
    }
  }
}
