// The GraphQL operations we send, and the shape of their answers down to the records. Field names are the official
// schema's (introspection of 2026-04-23); records stay raw here and are read by `schemas/`.

import { z } from 'zod';
import type { ErrorReport } from '../../core/errors.ts';
import type { Operation, Optional } from './api.ts';

const pageInfoSchema = z.object({ endCursor: z.string().nullish(), hasNextPage: z.boolean().nullish() }).nullish();

/** Edges as they came; a null edge or node is a record that the platform could not give. */
const connectionSchema = z.object({
  totalCount: z.int().nullish(),
  edges: z
    .array(z.object({ node: z.unknown() }).nullable())
    .nullish()
    .transform((edges) => (edges ?? []).map((edge) => edge?.node ?? null)),
  pageInfo: pageInfoSchema,
});

export type Connection = z.output<typeof connectionSchema>;

/** The records of a connection, and a note when some came as null. */
export function recordsOf(
  { edges }: { readonly edges: readonly unknown[] },
  what: string,
): { readonly records: readonly unknown[]; readonly problems: readonly ErrorReport[] } {
  const records = edges.filter((node) => node !== null);
  const lost = edges.length - records.length;
  const message = `${lost} ${what} came as null`;
  return { records, problems: lost === 0 ? [] : [{ code: 'platform.answer_invalid', kind: 'transient', message }] };
}

const EMPTY: Connection = { edges: [], pageInfo: null, totalCount: null };

/** A list of an answer; null: the platform did not give it. */
export const listSchema = connectionSchema.nullish().transform((list) => list ?? EMPTY);

export const MONEY = '{ rawValue currency }';

/** Parts of an operation that asks for `count` lists at once. Several aliases count as one request; ten were found safe. */
export function atOnce(
  count: number,
  filterType: string,
): {
  /** `filter0` and so on. */
  readonly variables: string;
  /** The fields, given how one list is asked for with its filter. */
  readonly aliases: (field: (filter: string) => string) => string;
  /** In the order of the filters; null: the platform did not give that one. */
  readonly data: z.ZodType<readonly (Connection | null)[]>;
} {
  const numbers = Array.from({ length: count }, (_, list) => list);
  return {
    variables: numbers.map((list) => `$filter${list}: ${filterType}`).join(', '),
    aliases: (field) => numbers.map((list) => `\n  list${list}: ${field(`$filter${list}`)}`).join(''),
    data: z
      .record(z.string(), connectionSchema.nullable())
      .transform((found) => numbers.map((list) => found[`list${list}`] ?? null)),
  };
}

const POSTING = 'MarketplaceJobPostingSearchResult';
const CLIENT = 'MarketplaceJobPostingSearchClientInfo';

export const searchPostings: Operation<Connection> = {
  name: 'SearchPostings',
  document: (optional) => `
query SearchPostings($filter: MarketplaceJobPostingsSearchFilter) {
  postings: marketplaceJobPostingsSearch(
    marketPlaceJobFilter: $filter, searchType: USER_JOBS_SEARCH, sortAttributes: [{ field: RECENCY }]
  ) {
    totalCount
    pageInfo { endCursor hasNextPage }
    edges { node {
      id title description ciphertext createdDateTime publishedDateTime renewedDateTime
      duration durationLabel engagement category subcategory freelancersToHire
      ${optional(`${POSTING}.totalApplicants`, 'totalApplicants')}
      ${optional(`${POSTING}.experienceLevel`, 'experienceLevel')}
      ${optional(`${POSTING}.amount`, `amount ${MONEY}`)}
      ${optional(`${POSTING}.hourlyBudgetType`, 'hourlyBudgetType')}
      ${optional(`${POSTING}.hourlyBudgetMin`, `hourlyBudgetMin ${MONEY}`)}
      ${optional(`${POSTING}.hourlyBudgetMax`, `hourlyBudgetMax ${MONEY}`)}
      ${optional(`${POSTING}.skills`, 'skills { name }')}
      ${optional(
        `${POSTING}.client`,
        `client {
          companyRid totalHires totalPostedJobs totalReviews totalFeedback verificationStatus
          location { country city }
          ${optional(`${CLIENT}.totalSpent`, `totalSpent ${MONEY}`)}
        }`,
      )}
    } }
  }
}`,
  data: z.object({ postings: listSchema }).transform(({ postings }) => postings),
};

const proposalsOf = (optional: Optional): string => `{
    totalCount
    pageInfo { endCursor hasNextPage }
    edges { node {
      id
      marketplaceJobPosting { id ${optional('MarketplaceJobPosting.contractTerms', 'contractTerms { contractType }')} }
      terms { chargeRate ${MONEY} estimatedDuration { label } }
      ${optional('VendorProposal.proposalCoverLetter', 'proposalCoverLetter')}
      auditDetails { createdDateTime { rawValue } modifiedDateTime { rawValue } }
      status { status reason { reason } }
    } }
  }`;

export const listProposals: Operation<Connection> = {
  name: 'ListProposals',
  document: (optional) => `
query ListProposals($filter: VendorProposalFilter!, $sort: VendorProposalSortAttribute!, $pagination: Pagination!) {
  proposals: vendorProposals(filter: $filter, sortAttribute: $sort, pagination: $pagination) ${proposalsOf(optional)}
}`,
  data: z.object({ proposals: listSchema }).transform(({ proposals }) => proposals),
};

/** The first page of `count` lists; variables `filter0` and so on. */
export function listProposalsAtOnce(count: number): Operation<readonly (Connection | null)[]> {
  const { variables, aliases, data } = atOnce(count, 'VendorProposalFilter!');
  return {
    name: 'ListProposalsAtOnce',
    document: (optional) => `
query ListProposalsAtOnce(${variables}, $sort: VendorProposalSortAttribute!, $pagination: Pagination!) {${aliases(
      (filter) =>
        `vendorProposals(filter: ${filter}, sortAttribute: $sort, pagination: $pagination) ${proposalsOf(optional)}`,
    )}
}`,
    data,
  };
}

export const readProfile: Operation<{ user: unknown }> = {
  name: 'ReadProfile',
  document: (optional) => `
query ReadProfile {
  user {
    id nid name
    freelancerProfile {
      fullName
      personalData { title description chargeRate ${MONEY} profileUrl }
      aggregates {
        totalHours totalHourlyJobs totalFixedJobs jobSuccessScore
        ${optional('FreelancerProfileAggregates.totalEarnings', `totalEarnings ${MONEY}`)}
      }
      skills { edges { node { preferredLabel } } }
      countryDetails { name }
    }
  }
}`,
  data: z.object({ user: z.unknown() }),
};

export const readAccount: Operation<{ user: { id: string; name?: string | null } }> = {
  name: 'ReadAccount',
  document: () => `query ReadAccount { user { id name } }`,
  data: z.object({ user: z.object({ id: z.string().min(1), name: z.string().nullish() }) }),
};
