// Buyers' questions in the table `questions`.

import type { QuestionRecord } from '../../core/records.ts';
import { instant, json, text, type RecordTable } from './record-table.ts';

export const questionsTable: RecordTable<QuestionRecord> = {
  name: 'questions',
  keyColumns: ['question_key'],
  keyOf: (question) => question.questionKey,
  columns: [
    text('question_key', (question) => question.questionKey),
    text('product_key', (question) => question.productKey),
    text('offer_code', (question) => question.offerCode),
    text('text', (question) => question.text),
    text('author_name', (question) => question.authorName),
    text('status', (question) => question.status),
    text('platform_status', (question) => question.platformStatus),
    text('answer_text', (question) => question.answer?.text ?? null),
    instant('answered_at', (question) => question.answer?.at ?? null),
    text('answer_state', (question) => question.answer?.state ?? null),
    instant('published_at', (question) => question.publishedAt),
    json('details', (question) => question.details),
    instant('source_updated_at', (question) => question.sourceUpdatedAt),
  ],
  dirtyInstants: ['published_at'],
};
