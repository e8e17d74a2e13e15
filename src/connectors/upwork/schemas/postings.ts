// A node of `marketplaceJobPostingsSearch` → posting.

import { z } from 'zod';
import type { PostingRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { decimalOf, instantSchema, moneySchema, positiveAmount } from './scalars.ts';

const clientSchema = z.object({
  companyRid: z.string().nullish(),
  totalHires: z.int().nullish(),
  totalPostedJobs: z.int().nullish(),
  totalReviews: z.int().nullish(),
  totalFeedback: z.number().nullish(),
  totalSpent: moneySchema.nullish(),
  verificationStatus: z.string().nullish(),
  location: z.object({ country: z.string().nullish(), city: z.string().nullish() }).nullish(),
});

const postingSchema = z.object({
  id: z.string().min(1),
  title: z.string(),
  description: z.string().nullish(),
  ciphertext: z.string().nullish(),
  createdDateTime: instantSchema,
  publishedDateTime: instantSchema,
  renewedDateTime: instantSchema.nullish(),
  duration: z.string().nullish(),
  durationLabel: z.string().nullish(),
  engagement: z.string().nullish(),
  amount: moneySchema.nullish(),
  hourlyBudgetType: z.string().nullish(),
  hourlyBudgetMin: moneySchema.nullish(),
  hourlyBudgetMax: moneySchema.nullish(),
  experienceLevel: z.string().nullish(),
  category: z.string().nullish(),
  subcategory: z.string().nullish(),
  freelancersToHire: z.int().nullish(),
  totalApplicants: z.int().nullish(),
  skills: z.array(z.object({ name: z.string() }).nullable()).nullish(),
  client: clientSchema.nullish(),
});

type RawPosting = z.output<typeof postingSchema>;

const LEVELS: Readonly<Record<string, PostingRecord['experienceLevel']>> = {
  ENTRY_LEVEL: 'entry',
  INTERMEDIATE: 'intermediate',
  EXPERT: 'expert',
};

/** The search result names no type: a posting with an hourly budget type is hourly, one with an amount is fixed. */
function jobTypeOf({ hourlyBudgetType, hourlyBudgetMin, amount }: RawPosting): PostingRecord['jobType'] {
  if (hourlyBudgetType || hourlyBudgetMin) return 'hourly';
  return amount ? 'fixed' : null;
}

function clientFacts(
  client: RawPosting['client'],
): Pick<
  PostingRecord,
  | 'country'
  | 'clientId'
  | 'clientName'
  | 'clientRating'
  | 'clientTotalSpent'
  | 'clientTotalSpentCurrency'
  | 'clientDetails'
> {
  return {
    country: client?.location?.country ?? null,
    clientId: client?.companyRid ?? null,
    // `companyName` is deprecated and empty for most keys; not asked for.
    clientName: null,
    clientRating: client?.totalReviews ? decimalOf(client.totalFeedback) : null,
    clientTotalSpent: client?.totalSpent?.amount ?? null,
    clientTotalSpentCurrency: client?.totalSpent?.currency ?? null,
    clientDetails: {
      hires: client?.totalHires ?? null,
      posted_jobs: client?.totalPostedJobs ?? null,
      reviews: client?.totalReviews ?? null,
      verification: client?.verificationStatus ?? null,
      city: client?.location?.city ?? null,
    },
  };
}

/** Throws `record.invalid`. */
export function parsePosting(raw: unknown): PostingRecord {
  const posting = parseRecord(postingSchema, raw);
  const jobType = jobTypeOf(posting);
  const budget = jobType === 'fixed' ? positiveAmount(posting.amount) : null;
  const hourly = jobType === 'hourly';
  return {
    upworkJobId: posting.id,
    ciphertext: posting.ciphertext ?? null,
    title: posting.title,
    description: posting.description ?? null,
    jobType,
    // Upwork names one amount for a fixed price: it is both ends of the range.
    budgetMin: budget,
    budgetMax: budget,
    hourlyRateMin: hourly ? positiveAmount(posting.hourlyBudgetMin) : null,
    hourlyRateMax: hourly ? positiveAmount(posting.hourlyBudgetMax) : null,
    currency: (hourly ? posting.hourlyBudgetMin?.currency : null) ?? posting.amount?.currency ?? null,
    experienceLevel: LEVELS[posting.experienceLevel ?? ''] ?? null,
    duration: posting.durationLabel ?? posting.duration ?? null,
    workload: posting.engagement ?? null,
    category: posting.category ?? null,
    subcategory: posting.subcategory ?? null,
    skills: (posting.skills ?? []).flatMap((skill) => (skill === null ? [] : [skill.name])),
    ...clientFacts(posting.client),
    proposalsCount: posting.totalApplicants ?? null,
    interviewCount: null,
    hiredCount: null,
    freelancersToHire: posting.freelancersToHire ?? null,
    status: 'active',
    postedAt: posting.publishedDateTime,
    renewedAt: posting.renewedDateTime ?? null,
    sourceUpdatedAt: posting.renewedDateTime ?? posting.publishedDateTime,
  };
}

const recencySchema = z.object({ publishedDateTime: instantSchema, renewedDateTime: instantSchema.nullish() });

/** The instant that RECENCY sorts by; null when the record does not say. */
export function recencyOf(raw: unknown): Date | null {
  const read = recencySchema.safeParse(raw);
  return read.success ? (read.data.renewedDateTime ?? read.data.publishedDateTime) : null;
}
