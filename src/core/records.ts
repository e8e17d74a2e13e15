// Domain records: what a connector hands over and a store table keeps, one interface per record kind. Instants are
// `Date`, days `YYYY-MM-DD`, amounts decimal text beside their currency. Null means that the platform does not say.

import type {
  AssemblyOrderRecord,
  FeedOrderRecord,
  FinanceEntryRecord,
  OrderRecord,
  SaleRecord,
  StatisticsOrderRecord,
} from './sales-records.ts';
import type {
  PriceRecord,
  ProductDayRecord,
  ProductRecord,
  QuestionRecord,
  ReturnRecord,
  ReviewRecord,
  SellerAccountRecord,
  StockRecord,
  SupplyRecord,
} from './shop-records.ts';
import type { SourceRecord } from './source-record.ts';
import type {
  ChatMemberRecord,
  ConversationRecord,
  MessageRecord,
  MessageTemplateRecord,
  MessagingAnalyticsRecord,
  PhoneNumberRecord,
  PlatformEventRecord,
} from './talk-records.ts';

export type * from './sales-records.ts';
export type * from './shop-records.ts';
export type * from './talk-records.ts';

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

/** A contract with a client (`contracts`). */
export interface ContractRecord extends SourceRecord {
  readonly upworkContractId: string;
  readonly upworkJobId: string | null;
  readonly upworkOfferId: string | null;
  readonly clientId: string | null;
  readonly clientName: string | null;
  readonly title: string | null;
  readonly contractType: 'fixed' | 'hourly' | null;
  /** Of the term in force, or of the last one. */
  readonly hourlyRate: string | null;
  readonly hourlyRateCurrency: string | null;
  readonly fixedAmount: string | null;
  readonly fixedAmountCurrency: string | null;
  readonly weeklyLimitHours: string | null;
  readonly status: 'active' | 'paused' | 'closed';
  readonly platformStatus: string;
  readonly closingReason: string | null;
  readonly startDate: Date | null;
  readonly endDate: Date | null;
}

/** Hours on one contract, day, term, task and memo (`time_entries`). */
export interface TimeEntryRecord extends SourceRecord {
  /** Made of contract, day, term, task and memo: the platform gives such a row no id. */
  readonly entryKey: string;
  readonly upworkContractId: string;
  readonly termId: string | null;
  readonly workDate: string;
  readonly task: string | null;
  readonly memo: string | null;
  readonly hours: string;
  readonly onlineHours: string | null;
  readonly manualHours: string | null;
  readonly amount: string | null;
  readonly currency: string | null;
}

/** Money that came (positive) or went (negative) (`payments`). */
export interface PaymentRecord extends SourceRecord {
  readonly platformPaymentId: string;
  readonly kind: 'earning' | 'bonus' | 'fee' | 'tax' | 'refund' | 'withdrawal' | 'adjustment' | 'other';
  /** The platform's own word, unchanged. */
  readonly platformKind: string | null;
  readonly upworkContractId: string | null;
  readonly amount: string;
  readonly currency: string;
  readonly status: 'pending' | 'completed' | 'failed' | 'refunded';
  readonly platformStatus: string | null;
  readonly description: string | null;
  readonly clientName: string | null;
  readonly relatedPaymentId: string | null;
  readonly occurredAt: Date;
  readonly dueAt: Date | null;
  /** When it was paid in full; null: not yet, or the platform does not say. */
  readonly paymentDate: Date | null;
}

/** A client's offer to the user (`offers`). */
export interface OfferRecord extends SourceRecord {
  readonly upworkOfferId: string;
  readonly upworkJobId: string | null;
  readonly clientId: string | null;
  readonly clientName: string | null;
  readonly title: string;
  readonly description: string | null;
  readonly message: string | null;
  readonly offerType: 'fixed' | 'hourly' | null;
  readonly hourlyRate: string | null;
  readonly fixedAmount: string | null;
  readonly currency: string | null;
  readonly weeklyLimitHours: string | null;
  readonly status: 'pending' | 'accepted' | 'rejected' | 'withdrawn' | 'expired';
  readonly platformStatus: string;
  readonly expectedStart: Date | null;
}

/** Record kinds by name; the name picks the store table. */
export interface RecordKinds {
  readonly posting: PostingRecord;
  readonly proposal: ProposalRecord;
  readonly upwork_profile: UpworkProfileRecord;
  readonly contract: ContractRecord;
  readonly time_entry: TimeEntryRecord;
  readonly payment: PaymentRecord;
  readonly offer: OfferRecord;
  readonly conversation: ConversationRecord;
  readonly message: MessageRecord;
  readonly chat_member: ChatMemberRecord;
  readonly platform_event: PlatformEventRecord;
  readonly phone_number: PhoneNumberRecord;
  readonly message_template: MessageTemplateRecord;
  readonly messaging_analytics: MessagingAnalyticsRecord;
  readonly product: ProductRecord;
  readonly price: PriceRecord;
  readonly stock: StockRecord;
  readonly order: OrderRecord;
  readonly order_statistics: StatisticsOrderRecord;
  readonly order_feed: FeedOrderRecord;
  readonly order_fbs: AssemblyOrderRecord;
  readonly sale: SaleRecord;
  readonly finance_entry: FinanceEntryRecord;
  readonly return: ReturnRecord;
  readonly review: ReviewRecord;
  readonly question: QuestionRecord;
  readonly supply: SupplyRecord;
  readonly product_day: ProductDayRecord;
  readonly seller_account: SellerAccountRecord;
}

export type RecordKind = keyof RecordKinds;
