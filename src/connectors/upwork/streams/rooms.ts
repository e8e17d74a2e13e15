// The user's rooms: all of them in a full pass, those in which something was written since in an increment.

import { z } from 'zod';
import { DAY_MS, MINUTE_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan, ReadContext } from '../../contract/stream.ts';
import type { UpworkCredential } from '../auth.ts';
import { createUpworkApi } from '../api.ts';
import { readRoomLists } from '../room-lists.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import { parseRoom } from '../schemas/rooms.ts';
import type { UpworkSettings } from '../settings.ts';

const cursorSchema = z.strictObject({
  /** What was written before this instant is known; null until the first pass is complete. */
  mark: z.iso.datetime().nullable(),
  /** Where a pass that broke off goes on. */
  pass: z
    .strictObject({ list: z.int().nonnegative(), after: z.string().nullable(), startedAt: z.iso.datetime() })
    .nullable(),
});

type Cursor = z.output<typeof cursorSchema>;
type Context = ReadContext<UpworkCredential, UpworkSettings>;

async function* readRooms(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const resumed = plan.cursor?.pass ?? null;
  const mark = plan.cursor?.mark ?? null;
  const startedAt = resumed?.startedAt ?? plan.until.toISOString();
  let done = 0;
  for await (const { rooms, problems, next } of readRoomLists(createUpworkApi(context), plan.since, resumed)) {
    done += rooms.length;
    yield {
      records: rooms,
      mode: { kind: 'upsert' },
      checkpoint: next === null ? { mark: startedAt, pass: null } : { mark, pass: { ...next, startedAt } },
      progress: { done, total: null },
      problems,
    };
  }
}

export const rooms = defineStream<UpworkCredential, UpworkSettings, 'conversation', Cursor>({
  name: 'rooms',
  kind: 'conversation',
  owner: 'user',
  defaultIntervalMinutes: 10,
  fullEveryMs: DAY_MS,
  lookbackMs: 10 * MINUTE_MS,
  readAhead: true,
  typicalCost: 1,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ mark }) => (mark === null ? null : new Date(mark)),
  read: readRooms,
  parse: parseRoom,
  keyOf: idOf,
});
