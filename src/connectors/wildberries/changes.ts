// Statistics by change: rows from `dateFrom` on, in the order of their last change, in one answer of up to about 80,000 rows.
// The bound is inclusive, so whatever shares the last instant comes again, and a full answer of one single instant would come
// for ever.

import { z } from 'zod';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../core/duration.ts';
import type { ErrorReport } from '../../core/errors.ts';
import type { Page, Plan } from '../contract/stream.ts';
import { instantToMoscow, moscowToInstant } from '../toolkit/moscow.ts';
import { inPages } from '../toolkit/pages.ts';
import { keyIn } from '../toolkit/parse-record.ts';
import { createWildberriesApi, type Context } from './api.ts';
import { byDays, dayCursorSchema } from './by-days.ts';
import type { Endpoint } from './endpoints.ts';

const changeCursorSchema = z.strictObject({
  kind: z.literal('changes'),
  /** `lastChangeDate` of the last stored row, as the platform wrote it. */
  changedFrom: z.string().min(1),
  /** The pass that stored it came to its end. */
  isDone: z.boolean(),
});

const cursorSchema = z.discriminatedUnion('kind', [changeCursorSchema, dayCursorSchema]);

export type ChangeCursor = z.output<typeof cursorSchema>;

/** How long the platform keeps statistics. */
const KEPT_MS = 90 * DAY_MS;
/** Fewer rows than this are no full answer: the platform's own bound is about twice as many. */
const FULL_ANSWER = 40_000;
/** Answers of one pass; a year of a large shop is a few dozen. */
const MAX_ANSWERS = 1_000;

function markOf(cursor: ChangeCursor): Date | null {
  return cursor.kind === 'changes' ? moscowToInstant(cursor.changedFrom) : null;
}

/** What every stream of statistics says of itself. */
export const STATISTICS = {
  owner: 'user',
  defaultIntervalMinutes: 30,
  fullEveryMs: 30 * DAY_MS,
  // Amounts are filled in for up to a day, and nobody promises that this is a change.
  lookbackMs: 26 * HOUR_MS,
  readAhead: true,
  typicalCost: 1,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: markOf,
} as const;

/** Where a pass begins, as the platform wants it written. */
function startOf({ cursor, since, until }: Plan<ChangeCursor>): string {
  if (cursor?.kind === 'changes' && !cursor.isDone) return cursor.changedFrom;
  const oldest = new Date(until.getTime() - KEPT_MS);
  return instantToMoscow(since === null || since < oldest ? oldest : since);
}

export async function* readChanges(
  endpoint: Endpoint,
  plan: Plan<ChangeCursor>,
  context: Context,
): AsyncGenerator<Page<ChangeCursor>> {
  if (plan.type === 'backfill') return yield* byDays(endpoint, plan, context);
  let from = startOf(plan);
  for (let answer = 0; answer < MAX_ANSWERS; answer += 1) {
    const end = yield* readAnswer(endpoint, from, context);
    if (end === null) return;
    from = end;
  }
}

/** One answer; where to go on, or null at the end. */
async function* readAnswer(
  endpoint: Endpoint,
  from: string,
  context: Context,
): AsyncGenerator<Page<ChangeCursor>, string | null> {
  const rows = createWildberriesApi(context).elements(endpoint, { query: { dateFrom: from, flag: 0 } });
  let changedFrom = from;
  let count = 0;
  for await (const { records, isLast } of inPages(rows)) {
    count += records.length;
    const before = changedFrom;
    changedFrom = records.reduce<string>((last, raw) => later(last, keyIn(raw, 'lastChangeDate')), changedFrom);
    const isDone = isLast && count < FULL_ANSWER;
    // Everything of a full answer has the instant that was asked from: the rest of that instant cannot be had.
    const isStuck = isLast && !isDone && changedFrom === from;
    if (isStuck) changedFrom = nextSecond(from);
    yield {
      records,
      mode: { kind: 'upsert' },
      // Pages of one single instant are no progress yet.
      ...(changedFrom === before && !isDone ? {} : { checkpoint: { kind: 'changes', changedFrom, isDone } }),
      ...(isStuck ? { problems: [crowded(endpoint, from, count)] } : {}),
    };
    if (isDone) return null;
  }
  return changedFrom;
}

/** The later of two instants in Moscow time; what is none does not count. */
function later(last: string, next: string | null): string {
  const at = next === null ? null : moscowToInstant(next);
  return at !== null && at >= moscowToInstant(last)! ? next! : last;
}

function nextSecond(text: string): string {
  return instantToMoscow(new Date(moscowToInstant(text)!.getTime() + SECOND_MS));
}

function crowded({ path }: Endpoint, instant: string, count: number): ErrorReport {
  const message = `${path}: ${count} rows changed at ${instant}, more than one answer holds: some of them may be missing`;
  return { code: 'platform.answer_invalid', kind: 'transient', message, details: { instant, count } };
}
