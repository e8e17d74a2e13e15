// The smallest client of the simulator, over plain fetch, for tests of the simulator itself. The product's connector is
// tested with its own HTTP client, not with this one.

import type { AddedAccount } from './accounts.ts';
import type { UpworkSimulator } from './simulator.ts';

export interface GraphqlResult {
  readonly status: number;
  /** Undefined when the body is not JSON. */
  readonly data: unknown;
  readonly errors: readonly { readonly message: string; readonly extensions?: Record<string, unknown> }[];
  readonly text: string;
}

export interface AskOptions {
  /** Null leaves the header out. Default: the account's organization. */
  readonly tenant?: string | null;
  readonly token?: string;
  readonly signal?: AbortSignal;
}

/** One GraphQL request as `added`'s user. */
export async function ask(
  { baseUrl }: Pick<UpworkSimulator, 'baseUrl'>,
  added: AddedAccount,
  request: { readonly query: string; readonly variables?: Record<string, unknown> },
  { tenant = added.organizationId, token = added.tokens.accessToken, signal }: AskOptions = {},
): Promise<GraphqlResult> {
  const response = await fetch(`${baseUrl}/api/graphql`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(tenant !== null && { 'x-upwork-api-tenantid': tenant }),
    },
    body: JSON.stringify(request),
    signal: signal ?? null,
  });
  const text = await response.text();
  const body = parsed(text);
  return {
    status: response.status,
    data: body.data,
    errors: (body.errors as GraphqlResult['errors'] | undefined) ?? [],
    text,
  };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** One request to the token endpoint; the form is completed with the app's name and secret unless it says otherwise. */
export async function exchange(
  { baseUrl, oauth }: Pick<UpworkSimulator, 'baseUrl' | 'oauth'>,
  form: Record<string, string>,
): Promise<{ status: number; body: Record<string, string> }> {
  const { clientId, clientSecret } = oauth.app;
  const response = await fetch(`${baseUrl}/www/api/v3/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, client_secret: clientSecret, ...form }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

export const SEARCH_QUERY = `query Search($filter: MarketplaceJobPostingsSearchFilter, $sort: [MarketplaceJobPostingSearchSortAttribute]) {
  marketplaceJobPostingsSearch(marketPlaceJobFilter: $filter, searchType: USER_JOBS_SEARCH, sortAttributes: $sort) {
    totalCount
    edges { cursor node {
      id title description ciphertext createdDateTime publishedDateTime renewedDateTime amount { rawValue currency displayValue }
      hourlyBudgetType hourlyBudgetMin { rawValue currency displayValue } hourlyBudgetMax { rawValue currency displayValue }
      weeklyBudget { rawValue } engagement duration durationLabel experienceLevel category subcategory
      skills { name prettyName } totalApplicants freelancersToHire premium enterprise applied recordNumber
      preferredFreelancerLocation relevance { id hoursInactive } occupations { category { id prefLabel } subCategories { id } }
      engagementDuration { id label weeks } job { id workFlowState { status } contractTerms { contractType personsToHire } }
      client { totalHires totalPostedJobs totalReviews totalFeedback totalSpent { rawValue currency } verificationStatus
        location { city country state timezone offsetToUTC } companyRid companyOrgUid edcUserId hasFinancialPrivacy }
    } }
    pageInfo { endCursor hasNextPage }
  }
}`;

export const PROPOSALS_QUERY = `query Proposals($status: VendorProposalStatusFilterInput!, $first: Int!, $after: String) {
  vendorProposals(
    filter: { status_eq: $status }
    sortAttribute: { field: MODIFIEDDATETIME, sortOrder: DESC }
    pagination: { first: $first, after: $after }
  ) {
    totalCount
    edges { cursor node {
      id user { id name } organization { id name } marketplaceJobPosting { id content { title } }
      terms { chargeRate { rawValue currency } estimatedDuration { label } upfrontPaymentPercent } proposalCoverLetter
      auditDetails { createdDateTime { rawValue displayValue } modifiedDateTime { rawValue displayValue } }
      status { status reason { id reason description } } annotations
    } }
    pageInfo { endCursor hasNextPage }
  }
}`;

export const PROFILE_QUERY = `query Profile {
  user { id nid rid name email ciphertext
    freelancerProfile { fullName firstName lastName personalData { title description chargeRate { rawValue currency } profileUrl }
      aggregates { totalEarnings { rawValue currency } totalHours totalHourlyJobs totalFixedJobs jobSuccessScore topRatedStatus }
      skills { edges { node { prettyName } } } availability { capacity name } countryDetails { name twoLetterAbbreviation region }
      verifications { idVerified } jobCategories { edges { node { category { preferredLabel } } } } employmentRecords { id } }
    talentProfile { personId profileAggregates { totalEarnings totalJobs totalFeedback } } }
  organization { id name type flag { agency } }
  companySelector { items { title organizationId organizationRid organizationType organizationLegacyType } }
}`;
