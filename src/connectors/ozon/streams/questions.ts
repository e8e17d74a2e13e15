// Buyers' questions, as far as the shop's subscription shows them.

import { z } from 'zod';
import { DAY_MS } from '../../../core/duration.ts';
import { defineStream } from '../../contract/connector.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import type { OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { cursorSchema, readDated, type Cursor } from '../dated.ts';
import { parseQuestion } from '../schemas/reviews.ts';
import type { OzonSettings } from '../settings.ts';

const LIMIT = 100;

const answerSchema = z.object({
  questions: z.array(z.record(z.string(), z.unknown())).nullish(),
  last_id: z.string().nullish(),
  has_next: z.boolean().nullish(),
});

async function ask(api: OzonApi, place: string, from: string | null) {
  const filter = { ...(from === null ? {} : { date_from: from }), status: 'ALL' };
  const body = { filter, last_id: place, limit: LIMIT, sort_dir: 'ASC' };
  const { questions, last_id: next, has_next: hasNext } = await api.call('/v1/question/list', body, answerSchema);
  return { records: questions ?? [], next: next ?? null, hasNext: hasNext ?? null };
}

export const questions = defineStream<OzonCredential, OzonSettings, 'question', Cursor>({
  name: 'questions',
  kind: 'question',
  owner: 'user',
  defaultIntervalMinutes: 60,
  fullEveryMs: 30 * DAY_MS,
  lookbackMs: 0,
  readAhead: true,
  typicalCost: 2,
  cursor: { version: 1, schema: cursorSchema },
  highWaterMark: ({ readTo }) => (readTo === null ? null : new Date(readTo)),
  read: (plan, context) => readDated(ask, plan, context),
  parse: parseQuestion,
  keyOf: idOf,
});
