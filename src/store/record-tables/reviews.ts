// Buyers' reviews in the table `reviews`.

import type { ReviewRecord } from '../../core/records.ts';
import { instant, integer, json, text, type RecordTable } from './record-table.ts';

export const reviewsTable: RecordTable<ReviewRecord> = {
  name: 'reviews',
  keyColumns: ['review_key'],
  keyOf: (review) => review.reviewKey,
  columns: [
    text('review_key', (review) => review.reviewKey),
    text('product_key', (review) => review.productKey),
    text('offer_code', (review) => review.offerCode),
    integer('rating', (review) => review.rating),
    text('text', (review) => review.text),
    text('pros', (review) => review.pros),
    text('cons', (review) => review.cons),
    text('author_name', (review) => review.authorName),
    text('status', (review) => review.status),
    text('platform_status', (review) => review.platformStatus),
    text('answer_text', (review) => review.answer?.text ?? null),
    instant('answered_at', (review) => review.answer?.at ?? null),
    text('answer_state', (review) => review.answer?.state ?? null),
    instant('published_at', (review) => review.publishedAt),
    json('details', (review) => review.details),
    instant('source_updated_at', (review) => review.sourceUpdatedAt),
  ],
  dirtyInstants: ['published_at'],
};
