// Buyers' reviews and questions. Some values come in capitals and some do not.

import { z } from 'zod';
import type { QuestionRecord, ReviewRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, idText, instant, maybeText } from '../../toolkit/scalars.ts';

const reviewSchema = z.object({
  id: z.string().min(1),
  sku: idText.nullish(),
  text: maybeText,
  published_at: instant,
  rating: count.nullish(),
  status: maybeText,
  order_status: maybeText,
  comments_amount: count.nullish(),
  photos_amount: count.nullish(),
  videos_amount: count.nullish(),
  is_rating_participant: z.boolean().nullish(),
});

const STATUSES: Readonly<Record<string, ReviewRecord['status']>> = {
  NEW: 'new',
  UNPROCESSED: 'new',
  VIEWED: 'viewed',
  PROCESSED: 'answered',
};

const statusOf = (word: string | null): ReviewRecord['status'] => STATUSES[(word ?? '').toUpperCase()] ?? 'new';

export function parseReview(raw: unknown): ReviewRecord {
  const row = parseRecord(reviewSchema, raw);
  const { rating } = row;
  return {
    reviewKey: row.id,
    productKey: row.sku ?? null,
    offerCode: null,
    rating: rating != null && rating >= 1 && rating <= 5 ? rating : null,
    text: row.text,
    pros: null,
    cons: null,
    authorName: null,
    status: statusOf(row.status),
    platformStatus: row.status,
    answer: null,
    publishedAt: row.published_at,
    details: {
      orderStatus: row.order_status,
      comments: row.comments_amount ?? null,
      photos: row.photos_amount ?? null,
      videos: row.videos_amount ?? null,
      countsForRating: row.is_rating_participant ?? null,
    },
    sourceUpdatedAt: null,
  };
}

const questionSchema = z.object({
  id: z.string().min(1),
  sku: idText.nullish(),
  text: maybeText,
  author_name: maybeText,
  published_at: instant,
  status: maybeText,
  answers_count: count.nullish(),
});

export function parseQuestion(raw: unknown): QuestionRecord {
  const row = parseRecord(questionSchema, raw);
  const isAnswered = (row.answers_count ?? 0) > 0;
  return {
    questionKey: row.id,
    productKey: row.sku ?? null,
    offerCode: null,
    text: row.text,
    authorName: row.author_name,
    status: isAnswered ? 'answered' : statusOf(row.status),
    platformStatus: row.status,
    answer: null,
    publishedAt: row.published_at,
    details: { answers: row.answers_count ?? null },
    sourceUpdatedAt: null,
  };
}
