// Postings in the table `jobs`. `is_favorite` belongs to the user and is never written here.

import { canonicalJson } from '../../core/canonical-json.ts';
import type { PostingRecord } from '../../core/records.ts';
import { linkToJob, namesJob, NAMING_JOBS } from './links.ts';
import { decimal, instant, integer, text, textList, type RecordTable } from './record-table.ts';

export const jobsTable: RecordTable<PostingRecord> = {
  name: 'jobs',
  keyColumns: ['upwork_job_id'],
  keyOf: (posting) => posting.upworkJobId,
  columns: [
    text('upwork_job_id', (posting) => posting.upworkJobId),
    text('ciphertext', (posting) => posting.ciphertext),
    text('title', (posting) => posting.title),
    text('description', (posting) => posting.description),
    text('job_type', (posting) => posting.jobType),
    decimal('budget_min', (posting) => posting.budgetMin),
    decimal('budget_max', (posting) => posting.budgetMax),
    decimal('hourly_rate_min', (posting) => posting.hourlyRateMin),
    decimal('hourly_rate_max', (posting) => posting.hourlyRateMax),
    text('currency', (posting) => posting.currency),
    text('experience_level', (posting) => posting.experienceLevel),
    text('duration', (posting) => posting.duration),
    text('workload', (posting) => posting.workload),
    text('category', (posting) => posting.category),
    text('subcategory', (posting) => posting.subcategory),
    textList('skills', (posting) => posting.skills),
    text('country', (posting) => posting.country),
    text('client_id', (posting) => posting.clientId),
    text('client_name', (posting) => posting.clientName),
    decimal('client_rating', (posting) => posting.clientRating),
    decimal('client_total_spent', (posting) => posting.clientTotalSpent),
    text('client_total_spent_currency', (posting) => posting.clientTotalSpentCurrency),
    { name: 'client_info', type: 'jsonb', read: (posting) => canonicalJson(posting.clientDetails) },
    integer('proposals_count', (posting) => posting.proposalsCount),
    integer('interview_count', (posting) => posting.interviewCount),
    integer('hired_count', (posting) => posting.hiredCount),
    integer('freelancers_to_hire', (posting) => posting.freelancersToHire),
    text('status', (posting) => posting.status),
    instant('posted_date', (posting) => posting.postedAt),
    instant('renewed_at', (posting) => posting.renewedAt),
    instant('source_updated_at', (posting) => posting.sourceUpdatedAt),
  ],
  dirtyInstants: [],
  ownedWhen: ['t.is_favorite', ...NAMING_JOBS.flatMap(namesJob)],
  // Proposals, offers and contracts may be stored before their posting is found.
  afterInsert: linkToJob,
};
