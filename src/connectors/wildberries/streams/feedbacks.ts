// Buyers' feedbacks: those that wait for an answer, those that have one, and, in a full pass, the archive.

import { z } from 'zod';
import { defineStream } from '../../contract/connector.ts';
import type { Page, Plan } from '../../contract/stream.ts';
import { idOf } from '../../toolkit/parse-record.ts';
import { ANSWERED, ANSWERED_LATE_MS, readAnswered, type AnsweredList, type Cursor } from '../answered-lists.ts';
import { createWildberriesApi, type Context } from '../api.ts';
import type { WildberriesCredential } from '../credential.ts';
import { FEEDBACKS, FEEDBACKS_ARCHIVE } from '../endpoints.ts';
import { parseFeedback } from '../schemas/feedbacks.ts';
import type { WildberriesSettings } from '../settings.ts';

/** A fifth of what the method gives at most. */
const TAKE = 1_000;
/** The method's own bound. */
const MAX_SKIP = 199_990;

const LIST = { endpoint: FEEDBACKS, member: 'feedbacks', take: TAKE } as const;
const LISTS: readonly AnsweredList[] = [
  { ...LIST, query: { isAnswered: false }, lateMs: null },
  { ...LIST, query: { isAnswered: true }, lateMs: ANSWERED_LATE_MS },
];

const archiveSchema = z.object({
  data: z.object({ feedbacks: z.array(z.record(z.string(), z.unknown())).nullish() }).nullish(),
});

/** The archive knows no dates. It comes before the other lists, so that what came back from it is not archived at the end. */
async function* readArchive(context: Context): AsyncGenerator<Page<Cursor>> {
  const api = createWildberriesApi(context);
  for (let skip = 0; skip <= MAX_SKIP; skip += TAKE) {
    const answer = await api.ask(FEEDBACKS_ARCHIVE, archiveSchema, { query: { take: TAKE, skip, order: 'dateAsc' } });
    const rows = answer?.data?.feedbacks ?? [];
    yield { records: rows.map((row) => ({ ...row, isArchived: true })), mode: { kind: 'upsert' } };
    if (rows.length < TAKE) return;
  }
}

async function* read(plan: Plan<Cursor>, context: Context): AsyncGenerator<Page<Cursor>> {
  if (plan.type === 'full' && plan.cursor?.at == null) yield* readArchive(context);
  yield* readAnswered(LISTS, plan, context);
}

export const feedbacks = defineStream<WildberriesCredential, WildberriesSettings, 'review', Cursor>({
  name: 'feedbacks',
  kind: 'review',
  ...ANSWERED,
  read,
  parse: parseFeedback,
  keyOf: idOf,
});
