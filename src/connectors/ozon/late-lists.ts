// Reviews and questions: lists by the day of writing, while what happens to a row later is sorted by nothing. An increment reads what
// was written in the last days, where most happens; once a day it reads the last two months.

import { z } from 'zod';
import { DAY_MS } from '../../core/duration.ts';
import type { Page, Plan } from '../contract/stream.ts';
import { pagesTo } from './dated.ts';
import type { ListPart } from './pages.ts';

const RECENT_MS = 3 * DAY_MS;
/** How long after it was written a row may still change without our missing it. */
const CHANGING_MS = 60 * DAY_MS;
const RESCAN_EVERY_MS = DAY_MS;

const cursorSchema = z.strictObject({
  /** What was written before this instant is known. */
  mark: z.iso.datetime(),
  /** When the last two months were read. */
  rescannedAt: z.iso.datetime(),
});

export type LateCursor = z.output<typeof cursorSchema>;

/** What every such stream says of itself. */
export const LATE = {
  owner: 'user',
  defaultIntervalMinutes: 60,
  fullEveryMs: 30 * DAY_MS,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 2, schema: cursorSchema },
  highWaterMark: ({ mark }: LateCursor) => new Date(mark),
} as const;

function isRescan({ cursor, until }: Plan<LateCursor>): boolean {
  return cursor === null || until.getTime() - Date.parse(cursor.rescannedAt) >= RESCAN_EVERY_MS;
}

/** From when on a pass reads; null: everything. */
function readFrom(plan: Plan<LateCursor>): string | null {
  const { since, until, type } = plan;
  if (since === null) return null;
  if (type === 'backfill') return since.toISOString();
  const again = isRescan(plan) ? CHANGING_MS : RECENT_MS;
  return new Date(Math.min(since.getTime(), until.getTime() - again)).toISOString();
}

/** Pages of `list`, which is asked for what was written from an instant on; null: for everything. */
export function latePages(
  plan: Plan<LateCursor>,
  list: (from: string | null) => AsyncIterable<ListPart<unknown>>,
): AsyncGenerator<Page<LateCursor>> {
  const mark = plan.until.toISOString();
  const rescannedAt = isRescan(plan) ? mark : (plan.cursor?.rescannedAt ?? mark);
  return pagesTo({ mark, rescannedAt }, list(readFrom(plan)));
}
