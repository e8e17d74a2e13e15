// Which scope of the API key opens which types. Scope names are those seen in Upwork's portal; the split over types is
// our reading of their titles, good enough to make a missing scope visible. Never used to widen an account.

/** Scope → `Type` or `Type.field` it opens. What no scope names is open to every key. */
const OPENED_BY: Readonly<Record<string, readonly string[]>> = {
  'pub-commons:read:all': ['CurrentOrganization', 'CompanySelector', 'CompanySelectorItem'],
  'pub-marketplace-job-postings:read:all': [
    'Query.marketplaceJobPostingsSearch',
    'Query.marketplaceJobPosting',
    'Query.marketplaceJobPostingsContents',
    'MarketplaceJobPosting',
    'MarketplaceJobPostingSearchResult',
  ],
  'pub-freelancer-profiles:write:all': ['FreelancerProfile', 'TalentProfile', 'CurrentUser.freelancerProfile'],
  'pub-contract:write:all': [
    'Query.vendorContracts',
    'Query.contractList',
    'Query.contractDetails',
    'Query.talentWorkHistory',
    'Query.contractTimeReport',
  ],
  'pub-payments:write:all': ['Query.accountingEntity', 'Query.transactionHistory'],
  'pub-messages:read:all': ['Query.roomList', 'Query.roomStories'],
  'pub-offer:read:all': ['Query.offersByAttribute', 'Offer'],
  'pub-client-proposals:write:all': ['Query.vendorProposals', 'Query.vendorProposal', 'VendorProposal'],
};

/** Every scope the simulator knows; the default of an account. */
export const ALL_SCOPES: readonly string[] = Object.keys(OPENED_BY);

/** True when none of the account's scopes opens `Type.field` although one would. */
export function isScopeMissing(scopes: ReadonlySet<string>, type: string, field: string): boolean {
  const openers = ALL_SCOPES.filter((scope) =>
    OPENED_BY[scope]!.some((name) => name === type || name === `${type}.${field}`),
  );
  return openers.length > 0 && !openers.some((scope) => scopes.has(scope));
}
