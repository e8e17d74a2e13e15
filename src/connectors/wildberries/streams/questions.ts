// Buyers' questions: those that wait for an answer, and those that have one.

import { defineStream } from '../../contract/connector.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import { ANSWERED, ANSWERED_LATE_MS, readAnswered, type AnsweredList, type Cursor } from '../answered-lists.ts';
import type { WildberriesCredential } from '../credential.ts';
import { QUESTIONS } from '../endpoints.ts';
import { parseQuestion } from '../schemas/feedbacks.ts';
import type { WildberriesSettings } from '../settings.ts';

/** `take` and `skip` together may be 10,000: a second holds fewer questions than that. */
const LIST = { endpoint: QUESTIONS, member: 'questions', take: 1_000 } as const;
const LISTS: readonly AnsweredList[] = [
  { ...LIST, query: { isAnswered: false }, lateMs: null },
  { ...LIST, query: { isAnswered: true }, lateMs: ANSWERED_LATE_MS },
];

export const questions = defineStream<WildberriesCredential, WildberriesSettings, 'question', Cursor>({
  name: 'questions',
  kind: 'question',
  ...ANSWERED,
  read: (plan, context) => readAnswered(LISTS, plan, context),
  parse: parseQuestion,
  keyOf: idOf,
});
