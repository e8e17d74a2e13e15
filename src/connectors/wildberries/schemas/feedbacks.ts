// Buyers' feedbacks and questions.

import { z } from 'zod';
import type { QuestionRecord, ReviewRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { count, idText, instant, maybeInstant, maybeText } from '../../toolkit/scalars.ts';

const productSchema = z
  .object({ nmId: idText.nullish(), imtId: idText.nullish(), supplierArticle: maybeText, size: maybeText })
  .nullish();

const feedbackSchema = z.object({
  id: idText,
  text: maybeText,
  pros: maybeText,
  cons: maybeText,
  productValuation: count.nullish(),
  createdDate: instant,
  answer: z.object({ text: maybeText, state: maybeText }).nullish(),
  state: maybeText,
  productDetails: productSchema,
  photoLinks: z.array(z.unknown()).nullish(),
  userName: maybeText,
  orderStatus: maybeText,
  matchingSize: maybeText,
  wasViewed: z.boolean().nullish(),
  bables: z.array(z.string()).nullish(),
  parentFeedbackId: maybeText,
  childFeedbackId: maybeText,
  /** The list that it came from, where the row itself does not tell. */
  isArchived: z.boolean().default(false),
});

const stars = (rating: number | null | undefined): number | null =>
  rating != null && rating >= 1 && rating <= 5 ? rating : null;

export function parseFeedback(raw: unknown): ReviewRecord {
  const row = parseRecord(feedbackSchema, raw);
  const answer = row.answer == null ? null : { text: row.answer.text, at: null, state: row.answer.state };
  const seen = row.wasViewed === true ? 'viewed' : 'new';
  return {
    reviewKey: row.id,
    productKey: row.productDetails?.nmId ?? null,
    offerCode: row.productDetails?.supplierArticle ?? null,
    rating: stars(row.productValuation),
    text: row.text,
    pros: row.pros,
    cons: row.cons,
    authorName: row.userName,
    status: row.isArchived ? 'archived' : answer === null ? seen : 'answered',
    platformStatus: row.state,
    answer,
    publishedAt: row.createdDate,
    details: {
      imtId: row.productDetails?.imtId ?? null,
      size: row.productDetails?.size ?? null,
      orderStatus: row.orderStatus,
      matchingSize: row.matchingSize,
      tags: row.bables ?? [],
      photos: row.photoLinks?.length ?? 0,
      parentId: row.parentFeedbackId,
      childId: row.childFeedbackId,
    },
    sourceUpdatedAt: null,
  };
}

const questionSchema = z.object({
  id: idText,
  text: maybeText,
  createdDate: instant,
  state: maybeText,
  answer: z.object({ text: maybeText, createDate: maybeInstant }).nullish(),
  productDetails: productSchema,
  wasViewed: z.boolean().nullish(),
  isWarned: z.boolean().nullish(),
});

export function parseQuestion(raw: unknown): QuestionRecord {
  const row = parseRecord(questionSchema, raw);
  const answer = row.answer == null ? null : { text: row.answer.text, at: row.answer.createDate, state: null };
  const seen = row.wasViewed === true ? 'viewed' : 'new';
  return {
    questionKey: row.id,
    productKey: row.productDetails?.nmId ?? null,
    offerCode: row.productDetails?.supplierArticle ?? null,
    text: row.text,
    authorName: null,
    status: answer === null ? seen : 'answered',
    platformStatus: row.state,
    answer,
    publishedAt: row.createdDate,
    details: { imtId: row.productDetails?.imtId ?? null, isWarned: row.isWarned ?? null },
    sourceUpdatedAt: null,
  };
}
