// Feedbacks and questions: one list of what waits for an answer, one of what has it. An answer moves a row from one to the
// other and no list is sorted by it, so each pass reads all that waits and the last weeks of what was answered.

import { z } from 'zod';
import { DAY_MS, SECOND_MS } from '../../core/duration.ts';
import type { Page, Plan } from '../contract/stream.ts';
import { createWildberriesApi, type Context } from './api.ts';
import { placeSchema, readDated, type DatedList } from './dated-list.ts';

const cursorSchema = z.strictObject({
  readTo: z.iso.datetime().nullable(),
  /** Inside a pass: the list in hand and the place in it. */
  at: placeSchema.extend({ list: z.int().min(0) }).nullable(),
});

export type Cursor = z.output<typeof cursorSchema>;

/** How long after it was written something may still be answered without our missing it. */
export const ANSWERED_LATE_MS = 60 * DAY_MS;

/** What every stream of such lists says of itself. */
export const ANSWERED = {
  owner: 'user',
  defaultIntervalMinutes: 60,
  fullEveryMs: 7 * DAY_MS,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ readTo }: Cursor) => (readTo === null ? null : new Date(readTo)),
} as const;

/** A list, and from when on an increment reads it; null: all of it. */
export interface AnsweredList extends DatedList {
  readonly lateMs: number | null;
}

function firstSecond({ since, until, type }: Plan<Cursor>, { lateMs }: AnsweredList): number {
  if (since === null || (type === 'incremental' && lateMs === null)) return 0;
  const from = type === 'backfill' ? since.getTime() : Math.min(since.getTime(), until.getTime() - lateMs!);
  return Math.max(0, Math.floor(from / SECOND_MS));
}

export async function* readAnswered(
  lists: readonly AnsweredList[],
  plan: Plan<Cursor>,
  context: Context,
): AsyncGenerator<Page<Cursor>> {
  const api = createWildberriesApi(context);
  const { cursor, until } = plan;
  const to = Math.ceil(until.getTime() / SECOND_MS);
  const begun = cursor?.at ?? null;
  const readTo = cursor?.readTo ?? null;
  for (const [index, list] of lists.entries()) {
    if (begun !== null && index < begun.list) continue;
    const start =
      begun?.list === index ? { from: begun.from, skip: begun.skip } : { from: firstSecond(plan, list), skip: 0 };
    for await (const { records, next } of readDated(api, list, { start, to })) {
      const at = next === null ? null : { ...next, list: index };
      yield { records, mode: { kind: 'upsert' }, ...(at === null ? {} : { checkpoint: { readTo, at } }) };
    }
  }
  yield { records: [], mode: { kind: 'upsert' }, checkpoint: { readTo: until.toISOString(), at: null } };
}
