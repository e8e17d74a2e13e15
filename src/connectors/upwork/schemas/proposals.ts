// A node of `vendorProposals` → proposal.

import { z } from 'zod';
import type { ProposalRecord } from '../../../core/records.ts';
import { parseRecord } from '../../toolkit/parse-record.ts';
import { instantSchema, moneySchema } from './scalars.ts';

const stampSchema = z.object({ rawValue: instantSchema });

const proposalSchema = z.object({
  id: z.string().min(1),
  marketplaceJobPosting: z
    .object({ id: z.string().nullish(), contractTerms: z.object({ contractType: z.string().nullish() }).nullish() })
    .nullish(),
  terms: z
    .object({
      chargeRate: moneySchema.nullish(),
      estimatedDuration: z.object({ label: z.string().nullish() }).nullish(),
    })
    .nullish(),
  proposalCoverLetter: z.string().nullish(),
  auditDetails: z.object({ createdDateTime: stampSchema, modifiedDateTime: stampSchema.nullish() }),
  status: z.object({ status: z.string().min(1), reason: z.object({ reason: z.string().nullish() }).nullish() }),
});

/**
 * Upwork's words mean other things than they say: `Accepted` is accepted by the system, that is submitted; `Activated`
 * means that the client interviews; `Archived` that the posting was closed.
 */
const STATUSES: Readonly<Record<string, ProposalRecord['status']>> = {
  Created: 'draft',
  Pending: 'submitted',
  Accepted: 'submitted',
  Activated: 'interviewed',
  Offered: 'accepted',
  Hired: 'hired',
  Declined: 'rejected',
  Rejected: 'rejected',
  Withdrawn: 'withdrawn',
  Replaced: 'withdrawn',
  Archived: 'archived',
  Invalid: 'archived',
};

const CLIENT_ACTED: ReadonlySet<ProposalRecord['status']> = new Set(['interviewed', 'accepted', 'hired']);

const CONTRACT_TYPES: Readonly<Record<string, ProposalRecord['bidType']>> = { HOURLY: 'hourly', FIXED: 'fixed' };

/** Throws `record.invalid`; a status that the platform adds later is invalid until we know what it means. */
export function parseProposal(raw: unknown): ProposalRecord {
  const proposal = parseRecord(
    proposalSchema.refine(({ status }) => status.status in STATUSES, {
      path: ['status', 'status'],
      message: `expected one of ${Object.keys(STATUSES).join(', ')}`,
    }),
    raw,
  );
  const platformStatus = proposal.status.status;
  const status = STATUSES[platformStatus]!;
  const createdAt = proposal.auditDetails.createdDateTime.rawValue;
  const modifiedAt = proposal.auditDetails.modifiedDateTime?.rawValue ?? createdAt;
  // Upwork dates the last change only: the store keeps the first instant at which we saw each step.
  const when = (reached: boolean): Date | null => (reached ? modifiedAt : null);
  return {
    upworkProposalId: proposal.id,
    upworkJobId: proposal.marketplaceJobPosting?.id ?? null,
    coverLetter: proposal.proposalCoverLetter ?? null,
    bidAmount: proposal.terms?.chargeRate?.amount ?? null,
    bidCurrency: proposal.terms?.chargeRate?.currency ?? null,
    bidType: CONTRACT_TYPES[proposal.marketplaceJobPosting?.contractTerms?.contractType ?? ''] ?? null,
    deliveryTime: proposal.terms?.estimatedDuration?.label ?? null,
    status,
    platformStatus,
    submittedAt: status === 'draft' ? null : createdAt,
    viewedAt: when(CLIENT_ACTED.has(status)),
    interviewedAt: when(status === 'interviewed'),
    hiredAt: when(status === 'hired'),
    rejectedAt: when(status === 'rejected'),
    rejectionReason: proposal.status.reason?.reason ?? null,
    sourceUpdatedAt: modifiedAt,
  };
}

const modifiedSchema = z.object({
  auditDetails: z.object({ createdDateTime: stampSchema, modifiedDateTime: stampSchema.nullish() }),
});

/** The instant that MODIFIEDDATETIME sorts by; null when the record does not say. */
export function modifiedOf(raw: unknown): Date | null {
  const read = modifiedSchema.safeParse(raw);
  if (!read.success) return null;
  const { createdDateTime, modifiedDateTime } = read.data.auditDetails;
  return (modifiedDateTime ?? createdDateTime).rawValue;
}
