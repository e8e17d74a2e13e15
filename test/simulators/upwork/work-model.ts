// What the simulated Upwork knows of an account's work: contracts, time, money, rooms and offers in the platform's own
// words. Instants are `Date`, days `YYYY-MM-DD`; the resolvers turn them into Upwork's texts.

import type { Money } from './model.ts';

/** Whose record it is, and in which context it shows. */
export interface Owned {
  readonly id: string;
  readonly accountId: string;
  /** Seen only with this organization in the tenant header. */
  readonly organizationId: string;
}

export interface Party {
  readonly id: string;
  readonly name: string;
}

/** Of an hourly contract; a raise ends one term and begins another. */
export interface HourlyTerm {
  readonly id: string;
  readonly hourlyRate: Money | null;
  readonly startDate: Date;
  readonly endDate: Date | null;
}

export interface Contract extends Owned {
  readonly title: string;
  readonly status: 'ACTIVE' | 'CLOSED' | 'PAUSED';
  readonly closingReason: string | null;
  readonly postingId: string;
  readonly offerId: string | null;
  readonly client: Party;
  readonly hourlyTerms: readonly HourlyTerm[];
  readonly fixedAmount: Money | null;
  readonly weeklyLimit: number | null;
  readonly createdAt: Date;
  /** Grows with every change. */
  readonly modifiedAt: Date;
  readonly startDate: Date;
  readonly endDate: Date | null;
}

/** A row of the time report: has no id; several a day differ by task or memo. */
export interface WorkEntry extends Owned {
  readonly contractId: string;
  readonly termId: string;
  readonly day: string;
  readonly task: string | null;
  readonly memo: string | null;
  readonly onlineHours: number;
  readonly offlineHours: number;
  readonly hourlyRate: number;
}

export interface Transaction extends Owned {
  readonly type: 'APInvoice' | 'APAdjustment';
  readonly subtype: string;
  readonly amount: Money;
  readonly status: string;
  readonly description: string;
  readonly createdAt: Date;
  readonly reviewDueAt: Date | null;
  readonly paidAt: Date | null;
  readonly contractId: string | null;
  readonly clientName: string | null;
  readonly relatedTransactionId: string | null;
}

/** Which of the passes over `roomList` shows it: a list without filter hides what is hidden, favoured or typed away. */
export type RoomListing = 'default' | 'hidden' | 'favorite' | 'typed';

export interface Room extends Owned {
  readonly name: string | null;
  readonly topic: string | null;
  readonly type: 'GROUP' | 'ONE_ON_ONE' | 'INTERVIEW';
  readonly listing: RoomListing;
  readonly createdAt: Date;
  readonly unread: number;
  readonly lastReadAt: Date | null;
  readonly contractId: string | null;
  readonly proposalId: string | null;
  readonly members: readonly Party[];
}

export interface Story extends Owned {
  readonly roomId: string;
  /** Null: written by the system. */
  readonly authorId: string | null;
  readonly message: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly attachments: readonly { readonly id: string; readonly type: string; readonly name: string }[];
}

export interface Offer extends Owned {
  readonly title: string;
  readonly description: string | null;
  readonly type: 'MARKET_PLACE_HOURLY' | 'MARKET_PLACE_FIXED_PRICE';
  readonly state: 'SUBMITTED' | 'ACCEPTED' | 'REJECTED' | 'WITHDRAWN' | 'EXPIRED';
  readonly client: Party;
  readonly postingId: string | null;
  readonly proposalId: string | null;
  readonly message: string | null;
  readonly hourlyRate: Money | null;
  readonly weeklyLimit: number | null;
  readonly budget: Money | null;
  readonly expectedStart: Date | null;
  readonly createdAt: Date;
}
