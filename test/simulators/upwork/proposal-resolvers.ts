// GraphQL roots of proposals: one status per query, opaque cursors, at most 40 a page, only the organization of the
// tenant header. Dates are epoch milliseconds in a text.

import { genericOrganization, genericUser } from './account-resolvers.ts';
import { postingDetails } from './job-resolvers.ts';
import type { Proposal } from './model.ts';
import { pageOf } from './paging.ts';
import type { Pagination } from './paging.ts';
import type { Scope } from './scope.ts';
import { platformTime } from './scope.ts';

interface ProposalsArguments {
  readonly filter: {
    readonly status_eq: string;
    readonly annotations_eq?: 'Hidden' | 'OnHold' | null;
    readonly freelancerId_eq?: string | null;
    readonly organizationId_eq?: string | null;
    readonly jobPostingIds_any?: readonly string[] | null;
  };
  readonly sortAttribute: {
    readonly field: 'CREATEDDATETIME' | 'MODIFIEDDATETIME';
    readonly sortOrder: 'ASC' | 'DESC';
  };
  readonly pagination: Pagination;
}

/** `vendorProposals`: `after` takes an `endCursor` only; anything else, and `first` above the limit, is VJCA-6. */
export function vendorProposals({ filter, sortAttribute, pagination }: ProposalsArguments, scope: Scope): object {
  const direction = sortAttribute.sortOrder === 'ASC' ? 1 : -1;
  const instantOf = (proposal: Proposal): number =>
    (sortAttribute.field === 'MODIFIEDDATETIME'
      ? (proposal.modifiedAt ?? proposal.createdAt)
      : proposal.createdAt
    ).getTime();
  const found = visible(scope)
    .filter((proposal) => matches(proposal, filter))
    .sort((a, b) => direction * (instantOf(a) - instantOf(b) || (a.id < b.id ? -1 : 1)));
  return pageOf(found, pagination, {
    name: 'proposals',
    max: scope.traps.proposalsPageMax,
    node: (proposal) => proposalNode(proposal, scope),
  });
}

/** `vendorProposal(id)`: null when it belongs to another account or organization. */
export function vendorProposal({ id }: { id: string }, scope: Scope): object | null {
  const proposal = visible(scope).find((one) => one.id === id);
  return proposal === undefined ? null : proposalNode(proposal, scope);
}

function visible({ state, account, organization }: Scope): Proposal[] {
  return [...state.proposals.values()].filter(
    (proposal) => proposal.accountId === account.id && proposal.organizationId === organization.id,
  );
}

function matches(proposal: Proposal, filter: ProposalsArguments['filter']): boolean {
  const isOrAny = (wanted: string | null | undefined, actual: string): boolean => (wanted ?? actual) === actual;
  return (
    proposal.status === filter.status_eq &&
    isOrAny(filter.freelancerId_eq, proposal.accountId) &&
    isOrAny(filter.organizationId_eq, proposal.organizationId) &&
    (filter.jobPostingIds_any?.includes(proposal.postingId) ?? true) &&
    (!filter.annotations_eq || proposal.annotations.includes(filter.annotations_eq))
  );
}

function proposalNode(proposal: Proposal, scope: Scope): object {
  const posting = scope.state.postings.get(proposal.postingId);
  const sender = scope.state.accounts.get(proposal.accountId) ?? scope.account;
  return {
    id: proposal.id,
    user: genericUser(sender),
    organization: genericOrganization(scope.organization),
    // A posting that was removed altogether keeps its id here: the field is non-null.
    marketplaceJobPosting: posting === undefined ? { id: proposal.postingId } : postingDetails(posting),
    terms: {
      chargeRate: proposal.chargeRate,
      estimatedDuration: proposal.estimatedDuration,
      upfrontPaymentPercent: proposal.upfrontPaymentPercent,
    },
    coverLetter: proposal.coverLetter,
    proposalCoverLetter: proposal.coverLetter,
    projectPlan: null,
    auditDetails: {
      createdByUser: genericUser(sender),
      modifiedByUser: null,
      createdDateTime: dateTime(proposal.createdAt),
      modifiedDateTime: proposal.modifiedAt === null ? null : dateTime(proposal.modifiedAt),
    },
    status: { status: proposal.status, reason: proposal.reason },
    annotations: proposal.annotations,
  };
}

function dateTime(instant: Date): object {
  return { rawValue: String(instant.getTime()), displayValue: platformTime(instant) };
}
