// Proposals in the table `proposals`, with the posting they answer when this integration has it.

import type { ProposalRecord } from '../../core/records.ts';
import { jobLink } from './links.ts';
import { decimal, instant, text, type RecordTable } from './record-table.ts';

export const proposalsTable: RecordTable<ProposalRecord> = {
  name: 'proposals',
  keyColumns: ['upwork_proposal_id'],
  keyOf: (proposal) => proposal.upworkProposalId,
  columns: [
    text('upwork_proposal_id', (proposal) => proposal.upworkProposalId),
    text('upwork_job_id', (proposal) => proposal.upworkJobId),
    text('cover_letter', (proposal) => proposal.coverLetter),
    decimal('bid_amount', (proposal) => proposal.bidAmount),
    text('bid_currency', (proposal) => proposal.bidCurrency),
    text('bid_type', (proposal) => proposal.bidType),
    text('delivery_time', (proposal) => proposal.deliveryTime),
    text('status', (proposal) => proposal.status),
    text('platform_status', (proposal) => proposal.platformStatus),
    instant('submitted_at', (proposal) => proposal.submittedAt),
    { ...instant<ProposalRecord>('viewed_at', (proposal) => proposal.viewedAt), firstWins: true },
    { ...instant<ProposalRecord>('interviewed_at', (proposal) => proposal.interviewedAt), firstWins: true },
    { ...instant<ProposalRecord>('hired_at', (proposal) => proposal.hiredAt), firstWins: true },
    { ...instant<ProposalRecord>('rejected_at', (proposal) => proposal.rejectedAt), firstWins: true },
    text('rejection_reason', (proposal) => proposal.rejectionReason),
    instant('source_updated_at', (proposal) => proposal.sourceUpdatedAt),
  ],
  dirtyInstants: ['submitted_at', 'viewed_at', 'interviewed_at', 'hired_at'],
  lookups: [jobLink],
};
