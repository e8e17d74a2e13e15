// Ids of the user's contracts from every place that names them, for accounts whose search of contracts gives nothing: the
// work history, which leaves out what was never billed, the rooms, and the hours of the last year.

import { AppError } from '../../core/errors.ts';
import { DAY_MS } from '../../core/duration.ts';
import type { UpworkApi } from './api.ts';
import { compactRange, rangeOf } from './days.ts';
import { listPages, pagination } from './pages.ts';
import { readRoomLists } from './room-lists.ts';
import { contractOfHours } from './schemas/hours.ts';
import { contractOfRoom } from './schemas/rooms.ts';
import { listHours, listWorkHistory, type Vendor } from './work-queries.ts';

const HISTORY_PAGE = 50;
const HOURS_PAGE = 100;
const HOURS_MS = 365 * DAY_MS;
/** For one person; a platform that never says an end is stopped here. */
const MAX_PAGES = 200;

async function* ofHistory(api: UpworkApi, { userId }: Vendor): AsyncGenerator<string> {
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { data } = await api.query(listWorkHistory, {
      person: userId,
      pagination: { offset: page * HISTORY_PAGE, limit: HISTORY_PAGE },
    });
    yield* data;
    if (data.length < HISTORY_PAGE) return;
  }
  throw new AppError('sync.cursor_stuck', `Upwork gave ${MAX_PAGES} pages of a work history and no end`);
}

async function* ofRooms(api: UpworkApi): AsyncGenerator<string | null> {
  for await (const { rooms } of readRoomLists(api, null, null)) yield* rooms.map(contractOfRoom);
}

async function* ofHours(api: UpworkApi, { organizationId }: Vendor, now: Date): AsyncGenerator<string | null> {
  const days = rangeOf(new Date(now.getTime() - HOURS_MS), now);
  const filter = { organizationId_eq: organizationId, timeReportDate_bt: compactRange(days) };
  const pages = listPages('hours', null, (after) =>
    api.query(listHours, { filter, pagination: pagination(HOURS_PAGE, after) }),
  );
  for await (const { data } of pages) yield* data.edges.map(contractOfHours);
}

/** A source that this token may not read names nothing; the others still do. */
async function collect(ids: Set<string>, source: AsyncIterable<string | null>): Promise<void> {
  try {
    for await (const id of source) if (id !== null) ids.add(id);
  } catch (error) {
    if (!(error instanceof AppError && (error.kind === 'scope' || error.code === 'platform.forbidden'))) throw error;
  }
}

export async function gatherContractIds(api: UpworkApi, vendor: Vendor, now: Date): Promise<readonly string[]> {
  const ids = new Set<string>();
  await collect(ids, ofHistory(api, vendor));
  await collect(ids, ofRooms(api));
  await collect(ids, ofHours(api, vendor, now));
  return [...ids].sort();
}
