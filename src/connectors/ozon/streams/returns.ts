// Returns by the moment at which their status changed. The next page begins after the id of the last row.

import { z } from 'zod';
import { DAY_MS, HOUR_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Plan } from '../../contract/stream.ts';
import { exactNumber } from '../../toolkit/exact-json.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import { createOzonApi, type OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { MARK_CURSOR, markedPages, markOf, type MarkCursor } from '../dated.ts';
import { listPages, type ListPart } from '../pages.ts';
import { parseReturn } from '../schemas/returns.ts';
import { rows } from '../schemas/scalars.ts';
import type { OzonSettings } from '../settings.ts';
import { windowsOf, YEAR_MS, type Window } from '../windows.ts';

const LIMIT = 500;
/** A return that changes again while the list is read must stay in it. */
const AHEAD_MS = 12 * HOUR_MS;

const answerSchema = z.object({ returns: rows, has_next: z.boolean().nullish() });

/** The range of a plan, a year at a time. */
async function* listReturns(api: OzonApi, { since, until, type }: Plan<MarkCursor>): AsyncGenerator<ListPart<unknown>> {
  const to = type === 'backfill' ? until : new Date(until.getTime() + AHEAD_MS);
  const from = since ?? new Date(to.getTime() - YEAR_MS);
  for (const window of windowsOf(from, to, YEAR_MS)) yield* listWindow(api, window);
}

function listWindow(api: OzonApi, { from, to }: Window): AsyncGenerator<ListPart<unknown>> {
  const moment = { time_from: from.toISOString(), time_to: to.toISOString() };
  return listPages('returns', LIMIT, async (cursor) => {
    const lastId = exactNumber(cursor === '' ? '0' : cursor);
    const body = { filter: { visual_status_change_moment: moment }, limit: LIMIT, last_id: lastId };
    const { returns, has_next: hasNext } = await api.call('/v1/returns/list', body, answerSchema);
    return { rows: returns, cursor: idOf(returns.at(-1)) ?? '', hasNext: hasNext ?? null };
  });
}

export const returns = defineStream<OzonCredential, OzonSettings, 'return', MarkCursor>({
  name: 'returns',
  kind: 'return',
  owner: 'user',
  defaultIntervalMinutes: 60,
  fullEveryMs: 90 * DAY_MS,
  lookbackMs: HOUR_MS,
  readAhead: true,
  typicalCost: 1,
  cursor: MARK_CURSOR,
  highWaterMark: markOf,
  read: (plan, context) => markedPages(plan, listReturns(createOzonApi(context), plan)),
  parse: parseReturn,
  keyOf: idOf,
});
