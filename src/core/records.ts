// Domain records: what a connector hands over and a store table keeps, one interface per record kind. Instants are
// `Date`, days `YYYY-MM-DD`, amounts decimal text beside their currency. Null means that the platform does not say.

interface SourceRecord {
  /** When the platform last changed this record; keeps a late page from overwriting newer rows. Null: no such stamp. */
  readonly sourceUpdatedAt: Date | null;
}

/** A job posting on Upwork as a saved search found it (`jobs`). */
export interface PostingRecord extends SourceRecord {
  readonly upworkJobId: string;
  /** Public key of the posting's page (`~0…`). */
  readonly ciphertext: string | null;
  readonly title: string;
  readonly description: string | null;
  readonly jobType: 'fixed' | 'hourly' | null;
  readonly budgetMin: string | null;
  readonly budgetMax: string | null;
  readonly hourlyRateMin: string | null;
  readonly hourlyRateMax: string | null;
  readonly currency: string | null;
  readonly experienceLevel: 'entry' | 'intermediate' | 'expert' | null;
  readonly duration: string | null;
  readonly workload: string | null;
  readonly category: string | null;
  readonly subcategory: string | null;
  readonly skills: readonly string[];
  readonly country: string | null;
  readonly clientId: string | null;
  readonly clientName: string | null;
  readonly clientRating: string | null;
  readonly clientTotalSpent: string | null;
  readonly clientTotalSpentCurrency: string | null;
  readonly clientDetails: Readonly<Record<string, string | number | boolean | null>>;
  readonly proposalsCount: number | null;
  readonly interviewCount: number | null;
  readonly hiredCount: number | null;
  readonly freelancersToHire: number | null;
  readonly status: 'active' | 'archived' | 'deleted';
  readonly postedAt: Date | null;
  readonly renewedAt: Date | null;
}

/** A proposal of the user (`proposals`). */
export interface ProposalRecord extends SourceRecord {
  readonly upworkProposalId: string;
  readonly upworkJobId: string | null;
  readonly coverLetter: string | null;
  readonly bidAmount: string | null;
  readonly bidCurrency: string | null;
  readonly bidType: 'fixed' | 'hourly' | null;
  readonly deliveryTime: string | null;
  readonly status:
    | 'draft'
    | 'submitted'
    | 'viewed'
    | 'interviewed'
    | 'hired'
    | 'rejected'
    | 'accepted'
    | 'withdrawn'
    | 'archived';
  /** The platform's own word, unchanged. */
  readonly platformStatus: string;
  readonly submittedAt: Date | null;
  /** First instant at which the client is known to have acted on it; the stored value is never moved later. */
  readonly viewedAt: Date | null;
  readonly interviewedAt: Date | null;
  readonly hiredAt: Date | null;
  readonly rejectedAt: Date | null;
  readonly rejectionReason: string | null;
}

/** The user's own profile (`upwork_profiles`). */
export interface UpworkProfileRecord extends SourceRecord {
  readonly upworkId: string;
  readonly username: string | null;
  readonly fullName: string | null;
  readonly title: string | null;
  readonly description: string | null;
  readonly hourlyRate: string | null;
  readonly hourlyRateCurrency: string | null;
  readonly totalEarnings: string | null;
  readonly totalEarningsCurrency: string | null;
  readonly totalHours: string | null;
  readonly totalJobs: number | null;
  readonly successRate: string | null;
  readonly skills: readonly string[];
  readonly location: string | null;
  readonly profileUrl: string | null;
  readonly memberSince: string | null;
}

/** Record kinds by name; the name picks the store table. */
export interface RecordKinds {
  readonly posting: PostingRecord;
  readonly proposal: ProposalRecord;
  readonly upwork_profile: UpworkProfileRecord;
}

export type RecordKind = keyof RecordKinds;
