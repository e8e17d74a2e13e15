// Buyers' reviews, as far as the shop's subscription shows them.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import { createOzonApi, type OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { LATE, latePages, type LateCursor } from '../late-lists.ts';
import { listPages } from '../pages.ts';
import { parseReview } from '../schemas/reviews.ts';
import { rows } from '../schemas/scalars.ts';
import type { OzonSettings } from '../settings.ts';

const LIMIT = 100;

const answerSchema = z.object({ reviews: rows, last_id: z.string().nullish(), has_next: z.boolean().nullish() });

function listReviews(api: OzonApi, from: string | null) {
  return listPages('reviews', LIMIT, async (cursor) => {
    const filters = from === null ? {} : { filters: { published_from: from } };
    const body = { ...filters, last_id: cursor, limit: LIMIT, sort_dir: 'ASC' };
    const { reviews: found, last_id: next, has_next: hasNext } = await api.call('/v2/review/list', body, answerSchema);
    return { rows: found, cursor: next ?? '', hasNext: hasNext ?? null };
  });
}

export const reviews = defineStream<OzonCredential, OzonSettings, 'review', LateCursor>({
  name: 'reviews',
  kind: 'review',
  ...LATE,
  read: (plan, context) => {
    const api = createOzonApi(context);
    return latePages(plan, (from) => listReviews(api, from));
  },
  parse: parseReview,
  keyOf: idOf,
});
