// Returns by the moment at which their status changed. The next page begins after the id of the last row.

import { z } from 'zod';
import { DAY_MS, HOUR_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { exactNumber } from '../../toolkit/exact-json.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import { createOzonApi, type Context } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { listPages } from '../places.ts';
import { parseReturn } from '../schemas/returns.ts';
import type { OzonSettings } from '../settings.ts';

const LIMIT = 500;
const HISTORY_MS = 364 * DAY_MS;

const cursorSchema = z.strictObject({
  readTo: z.iso.datetime().nullable(),
  /** Inside a pass: the id of the last row that is stored. */
  place: z.string().nullable(),
});

type Cursor = z.output<typeof cursorSchema>;

const answerSchema = z.object({
  returns: z.array(z.record(z.string(), z.unknown())).nullish(),
  has_next: z.boolean().nullish(),
});

async function* read(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createOzonApi(context);
  const { until, since } = plan;
  const from = since ?? new Date(until.getTime() - HISTORY_MS);
  const moment = { time_from: from.toISOString(), time_to: until.toISOString() };
  const ask = async (place: string) => {
    const body = {
      filter: { visual_status_change_moment: moment },
      limit: LIMIT,
      last_id: exactNumber(place === '' ? '0' : place),
    };
    const { returns, has_next: hasNext } = await api.call('/v1/returns/list', body, answerSchema);
    return { records: returns ?? [], next: idOf(returns?.at(-1)), hasNext: hasNext ?? null };
  };
  const readTo = plan.cursor?.readTo ?? null;
  for await (const { records, next } of listPages(ask, plan.cursor?.place ?? '')) {
    const checkpoint = next === null ? { readTo: until.toISOString(), place: null } : { readTo, place: next };
    yield { records, mode: { kind: 'upsert' }, checkpoint };
  }
}

export const returns = defineStream<OzonCredential, OzonSettings, 'return', Cursor>({
  name: 'returns',
  kind: 'return',
  owner: 'user',
  defaultIntervalMinutes: 60,
  fullEveryMs: 90 * DAY_MS,
  lookbackMs: HOUR_MS,
  readAhead: true,
  typicalCost: 1,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ readTo }) => (readTo === null ? null : new Date(readTo)),
  read,
  parse: parseReturn,
  keyOf: idOf,
});
