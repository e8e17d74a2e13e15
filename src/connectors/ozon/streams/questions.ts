// Buyers' questions, as far as the shop's subscription shows them.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import { createOzonApi, type OzonApi } from '../api.ts';
import type { OzonCredential } from '../credential.ts';
import { LATE, latePages, type LateCursor } from '../late-lists.ts';
import { listPages } from '../pages.ts';
import { parseQuestion } from '../schemas/reviews.ts';
import { rows } from '../schemas/scalars.ts';
import type { OzonSettings } from '../settings.ts';

const LIMIT = 100;

const answerSchema = z.object({ questions: rows, last_id: z.string().nullish(), has_next: z.boolean().nullish() });

function listQuestions(api: OzonApi, from: string | null) {
  return listPages('questions', LIMIT, async (cursor) => {
    const filter = { ...(from === null ? {} : { date_from: from }), status: 'ALL' };
    const body = { filter, last_id: cursor, limit: LIMIT, sort_dir: 'ASC' };
    const answer = await api.call('/v1/question/list', body, answerSchema);
    return { rows: answer.questions, cursor: answer.last_id ?? '', hasNext: answer.has_next ?? null };
  });
}

export const questions = defineStream<OzonCredential, OzonSettings, 'question', LateCursor>({
  name: 'questions',
  kind: 'question',
  ...LATE,
  read: (plan, context) => {
    const api = createOzonApi(context);
    return latePages(plan, (from) => listQuestions(api, from));
  },
  parse: parseQuestion,
  keyOf: idOf,
});
