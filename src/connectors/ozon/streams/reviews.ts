// Buyers' reviews, as far as the shop's subscription shows them.

import { z } from 'zod';
import { DAY_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import type { OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { cursorSchema, readDated, type Cursor } from '../dated.ts';
import { parseReview } from '../schemas/reviews.ts';
import type { OzonSettings } from '../settings.ts';

const LIMIT = 100;

const answerSchema = z.object({
  reviews: z.array(z.record(z.string(), z.unknown())).nullish(),
  last_id: z.string().nullish(),
  has_next: z.boolean().nullish(),
});

async function ask(api: OzonApi, place: string, from: string | null) {
  const filters = from === null ? {} : { filters: { published_from: from } };
  const body = { ...filters, last_id: place, limit: LIMIT, sort_dir: 'ASC' };
  const { reviews, last_id: next, has_next: hasNext } = await api.call('/v2/review/list', body, answerSchema);
  return { records: reviews ?? [], next: next ?? null, hasNext: hasNext ?? null };
}

export const reviews = defineStream<OzonCredential, OzonSettings, 'review', Cursor>({
  name: 'reviews',
  kind: 'review',
  owner: 'user',
  defaultIntervalMinutes: 60,
  fullEveryMs: 30 * DAY_MS,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ readTo }) => (readTo === null ? null : new Date(readTo)),
  read: (plan, context) => readDated(ask, plan, context),
  parse: parseReview,
  keyOf: idOf,
});
