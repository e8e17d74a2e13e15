// What the simulated Upwork holds: accounts, postings and proposals in the platform's own words. Instants are `Date`;
// the resolvers turn them into Upwork's texts. Nothing here knows GraphQL or HTTP.

/** Upwork's `Money`; `rawValue` is a decimal text such as `"25.0"`. */
export interface Money {
  readonly rawValue: string;
  readonly currency: string;
  readonly displayValue: string;
}

/** `money(25)` → `{rawValue: "25.0", currency: "USD", displayValue: "$25.00"}`. */
export function money(amount: number, currency = 'USD'): Money {
  const rawValue = Number.isInteger(amount) ? amount.toFixed(1) : String(amount);
  return { rawValue, currency, displayValue: `${currency === 'USD' ? '$' : `${currency} `}${amount.toFixed(2)}` };
}

export type ExperienceLevel = 'NONE' | 'ENTRY_LEVEL' | 'INTERMEDIATE' | 'EXPERT';

export interface PostingClient {
  readonly totalHires: number;
  readonly totalPostedJobs: number;
  readonly totalSpent: Money | null;
  readonly verificationStatus:
    | 'VERIFIED'
    | 'NOT_VERIFIED'
    | 'ACTIVE_BUT_NOT_VERIFIED'
    | 'VERIFICATION_IN_PROGRESS'
    | 'UNKNOWN'
    | null;
  readonly location: {
    readonly city: string | null;
    readonly country: string | null;
    readonly timezone: string | null;
    readonly state: string | null;
    readonly offsetToUTC: string | null;
  } | null;
  readonly totalReviews: number;
  readonly totalFeedback: number;
  readonly companyRid: string;
  readonly companyOrgUid: string;
  readonly edcUserId: string;
  readonly hasFinancialPrivacy: boolean;
}

/**
 * A job posting, field for field a `MarketplaceJobPostingSearchResult` (`jobType`, `status`, `categoryId` and
 * `subcategoryId` are ours, for filters and details). An hourly posting has `amount` 0.0; a missing hourly budget is null.
 */
export interface Posting {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly ciphertext: string;
  readonly recordNumber: string;
  readonly jobType: 'HOURLY' | 'FIXED';
  readonly status: 'ACTIVE' | 'CLOSED';
  readonly duration: 'WEEK' | 'MONTH' | 'QUARTER' | 'SEMESTER' | 'ONGOING' | null;
  readonly durationLabel: string | null;
  readonly engagement: string | null;
  readonly workload: 'FULL_TIME' | 'PART_TIME' | 'AS_NEEDED' | 'NOT_SURE';
  readonly amount: Money;
  readonly hourlyBudgetType: 'DEFAULT' | 'MANUAL' | 'NOT_PROVIDED' | null;
  readonly hourlyBudgetMin: Money | null;
  readonly hourlyBudgetMax: Money | null;
  readonly weeklyBudget: Money | null;
  readonly experienceLevel: ExperienceLevel;
  readonly category: string | null;
  readonly categoryId: string | null;
  readonly subcategory: string | null;
  readonly subcategoryId: string | null;
  readonly freelancersToHire: number;
  readonly totalApplicants: number;
  readonly preferredFreelancerLocation: readonly string[] | null;
  readonly preferredFreelancerLocationMandatory: boolean | null;
  readonly premium: boolean;
  readonly enterprise: boolean;
  readonly createdAt: Date;
  readonly publishedAt: Date;
  /** Set by a renewal, which moves the posting to the top and keeps its id. */
  readonly renewedAt: Date | null;
  readonly client: PostingClient;
  readonly skills: readonly { readonly name: string; readonly prettyName: string }[];
}

export type ProposalStatus =
  | 'Created'
  | 'Accepted'
  | 'Declined'
  | 'Withdrawn'
  | 'Replaced'
  | 'Offered'
  | 'Activated'
  | 'Archived'
  | 'Rejected'
  | 'Hired'
  | 'Pending'
  | 'Invalid';

/** Meaning trap: `Accepted` = submitted and accepted by the system; `Activated` = the client is interviewing. */
export interface Proposal {
  readonly id: string;
  readonly accountId: string;
  /** The context it was sent from: seen only with this organization in the tenant header. */
  readonly organizationId: string;
  readonly postingId: string;
  readonly status: ProposalStatus;
  readonly reason: { readonly id: string; readonly reason: string; readonly description: string | null } | null;
  readonly chargeRate: Money;
  readonly estimatedDuration: { readonly id: string; readonly label: string } | null;
  readonly upfrontPaymentPercent: number | null;
  readonly coverLetter: string | null;
  readonly annotations: readonly ('Hidden' | 'OnHold')[];
  readonly createdAt: Date;
  /** Null until something changed it; grows with every change. */
  readonly modifiedAt: Date | null;
}

export interface Organization {
  readonly id: string;
  readonly name: string;
  /** `personal` answers calls without a tenant header. */
  readonly kind: 'personal' | 'agency' | 'client';
}

/** What `freelancerProfile` and `talentProfile` are made from. */
export interface Profile {
  readonly firstName: string;
  readonly lastName: string;
  readonly title: string | null;
  readonly description: string | null;
  readonly chargeRate: Money;
  readonly profileUrl: string | null;
  readonly country: string;
  readonly countryCode: string;
  readonly skills: readonly string[];
  readonly jobSuccessScore: number | null;
  readonly topRatedStatus: string | null;
  readonly totalEarnings: Money | null;
  readonly totalHours: number;
  readonly totalHourlyJobs: number;
  readonly totalFixedJobs: number;
  readonly totalFeedback: number;
  readonly lastActivityAt: Date | null;
}

export interface Account {
  readonly id: string;
  readonly nid: string;
  readonly rid: string;
  readonly email: string;
  /** The first one is the personal context. */
  readonly organizations: readonly Organization[];
  /** Scope names of the API key, see `scopes.ts`. */
  readonly scopes: ReadonlySet<string>;
  readonly profile: Profile;
}
