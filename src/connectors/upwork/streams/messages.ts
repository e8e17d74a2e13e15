// What was written in the user's rooms. Only rooms whose newest story is new are opened, in the order of their ids, so
// that a pass that broke off knows which are behind it.

import { z } from 'zod';
import { DAY_MS, MINUTE_MS } from '../../../core/duration.ts';
import { AppError, type ErrorReport } from '../../../core/errors.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan, ReadContext } from '../../contract/stream.ts';
import type { UpworkCredential } from '../auth.ts';
import { createUpworkApi, type UpworkApi } from '../api.ts';
import { readRoomLists } from '../room-lists.ts';
import { latestStoryOf, roomTypeOf } from '../schemas/rooms.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import { parseStory, storyKeyOf, writtenAtOf, type StoryContext } from '../schemas/stories.ts';
import type { UpworkSettings } from '../settings.ts';
import { readStories } from '../stories.ts';
import { keeps } from '../window.ts';
import { readVendor } from '../work-queries.ts';

/** In a room that has something new the stories of a day before are read as well: people correct themselves. */
const EDITS_MS = DAY_MS;
/** One person's; only ids are held. */
const MAX_ROOMS = 50_000;

const cursorSchema = z.strictObject({
  /** What was written before this instant is stored; null until the first pass is complete. */
  mark: z.iso.datetime().nullable(),
  /** Where a pass that broke off goes on: rooms with smaller ids are done. */
  pass: z.strictObject({ roomId: z.string(), after: z.string().nullable(), startedAt: z.iso.datetime() }).nullable(),
});

type Cursor = z.output<typeof cursorSchema>;
type Context = ReadContext<UpworkCredential, UpworkSettings>;

interface ChangedRooms {
  readonly rooms: readonly StoryContext['room'][];
  readonly problems: readonly ErrorReport[];
}

/** Rooms with a story since `since`, by id. Favoured rooms are listed whether something was written in them or not. */
async function findChangedRooms(api: UpworkApi, since: Date | null): Promise<ChangedRooms> {
  const found = new Map<string, StoryContext['room']>();
  const problems: ErrorReport[] = [];
  for await (const batch of readRoomLists(api, since, null)) {
    problems.push(...batch.problems);
    for (const room of batch.rooms) {
      const id = idOf(room);
      const latest = latestStoryOf(room);
      if (id === null || (since !== null && latest !== null && latest < since)) continue;
      found.set(id, { id, type: roomTypeOf(room) });
    }
    if (found.size > MAX_ROOMS)
      throw new AppError('platform.answer_invalid', `expected at most ${MAX_ROOMS} rooms of one account, got more`);
  }
  return { rooms: [...found.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)), problems };
}

async function* readMessages(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createUpworkApi(context);
  const { data: reader } = await api.query(readVendor, {});
  const resumed = plan.cursor?.pass ?? null;
  const mark = plan.cursor?.mark ?? null;
  const startedAt = resumed?.startedAt ?? plan.until.toISOString();
  const since =
    plan.since === null || plan.type === 'backfill' ? plan.since : new Date(plan.since.getTime() - EDITS_MS);
  const isWanted = keeps(plan, writtenAtOf);
  const { rooms, problems: missed } = await findChangedRooms(api, plan.since);
  const open = rooms.filter(({ id }) => resumed === null || id >= resumed.roomId);
  yield { records: [], mode: { kind: 'upsert' }, problems: missed };
  for (const [index, room] of open.entries()) {
    const after = room.id === resumed?.roomId ? resumed.after : null;
    for await (const { stories, problems, next } of readStories(api, { roomId: room.id, since, after })) {
      const roomId = next === null ? open[index + 1]?.id : room.id;
      yield {
        records: stories.map((story): object => ({ ...story, room, reader })).filter(isWanted),
        mode: { kind: 'upsert' },
        ...(roomId === undefined ? {} : { checkpoint: { mark, pass: { roomId, after: next, startedAt } } }),
        progress: { done: rooms.length - open.length + index + (next === null ? 1 : 0), total: rooms.length },
        problems,
      };
    }
  }
  // Of its own, because there may be no room at all.
  yield { records: [], mode: { kind: 'upsert' }, checkpoint: { mark: startedAt, pass: null } };
}

export const messages = defineStream<UpworkCredential, UpworkSettings, 'message', Cursor>({
  name: 'messages',
  kind: 'message',
  owner: 'user',
  defaultIntervalMinutes: 10,
  fullEveryMs: 7 * DAY_MS,
  lookbackMs: 10 * MINUTE_MS,
  readAhead: true,
  typicalCost: 3,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ mark }) => (mark === null ? null : new Date(mark)),
  read: readMessages,
  parse: parseStory,
  keyOf: storyKeyOf,
});
