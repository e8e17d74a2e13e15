// The user's rooms. A list without filter hides many of them (231 against 80 in a report of 2026), so a pass unites six:
// each kind of hiding has its own. An increment asks for rooms of which something was written since.

import { z } from 'zod';
import { DAY_MS, MINUTE_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan, ReadContext } from '../../contract/stream.ts';
import type { UpworkCredential } from '../auth.ts';
import { createUpworkApi } from '../api.ts';
import { listPages } from '../pages.ts';
import { recordsOf } from '../queries.ts';
import { idOf } from '../schemas/parse.ts';
import { parseRoom } from '../schemas/rooms.ts';
import type { UpworkSettings } from '../settings.ts';
import { listRooms } from '../work-queries.ts';

const PAGE_SIZE = 100;

export const ROOM_PASSES: readonly Readonly<Record<string, unknown>>[] = [
  {},
  { includeHidden_eq: true },
  { includeFavorites_eq: true },
  { roomType_eq: 'GROUP' },
  { roomType_eq: 'ONE_ON_ONE' },
  { roomType_eq: 'INTERVIEW' },
];

const cursorSchema = z.strictObject({
  /** What was written before this instant is known; null until the first pass is complete. */
  mark: z.iso.datetime().nullable(),
  /** Where a pass that broke off goes on: one of the six and its cursor. */
  pass: z
    .strictObject({ index: z.int().nonnegative(), after: z.string().nullable(), startedAt: z.iso.datetime() })
    .nullable(),
});

type Cursor = z.output<typeof cursorSchema>;
type Context = ReadContext<UpworkCredential, UpworkSettings>;

async function* readRooms(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createUpworkApi(context);
  const resumed = plan.cursor?.pass ?? null;
  const mark = plan.cursor?.mark ?? null;
  const startedAt = resumed?.startedAt ?? plan.until.toISOString();
  const since = plan.since === null ? {} : { activeSince_eq: plan.since.toISOString() };
  let done = 0;
  for (const [index, hiding] of ROOM_PASSES.entries()) {
    if (resumed !== null && index < resumed.index) continue;
    const filter = { ...hiding, ...since };
    const start = resumed?.index === index ? resumed.after : null;
    const pages = listPages('rooms', start, (after) =>
      api.query(listRooms, { filter, pagination: { first: PAGE_SIZE, ...(after === null ? {} : { after }) } }),
    );
    for await (const { data, problems, next } of pages) {
      const { records, problems: lost } = recordsOf(data, 'rooms');
      const following = next === null ? index + 1 : index;
      const isLast = following === ROOM_PASSES.length;
      done += data.edges.length;
      yield {
        records,
        mode: { kind: 'upsert' },
        checkpoint: isLast
          ? { mark: startedAt, pass: null }
          : { mark, pass: { index: following, after: next, startedAt } },
        progress: { done, total: null },
        problems: [...problems, ...lost],
      };
    }
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
  typicalCost: 6,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ mark }) => (mark === null ? null : new Date(mark)),
  read: readRooms,
  parse: parseRoom,
  keyOf: idOf,
});
