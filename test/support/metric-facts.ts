// Small facts of every kind that daily metrics are made of, and the records that a platform would send of them.

import type {
  FinanceEntryRecord,
  MessageRecord,
  OrderRecord,
  PaymentRecord,
  ProductDayRecord,
  ProposalRecord,
  ReturnRecord,
  ReviewRecord,
  SaleRecord,
  TimeEntryRecord,
} from '../../src/core/records.ts';
import { financeEntriesTable } from '../../src/store/record-tables/finance-entries.ts';
import { messagesTable } from '../../src/store/record-tables/messages.ts';
import { ordersTable } from '../../src/store/record-tables/orders.ts';
import { paymentsTable } from '../../src/store/record-tables/payments.ts';
import { productDailyStatsTable } from '../../src/store/record-tables/product-daily-stats.ts';
import { proposalsTable } from '../../src/store/record-tables/proposals.ts';
import type { RecordTable } from '../../src/store/record-tables/record-table.ts';
import { returnsTable } from '../../src/store/record-tables/returns.ts';
import { reviewsTable } from '../../src/store/record-tables/reviews.ts';
import { salesTable } from '../../src/store/record-tables/sales.ts';
import { timeEntriesTable } from '../../src/store/record-tables/time-entries.ts';

/** One row of a platform. `at` and `endedAt` are instants in it; what `flag` means is the kind's own business. */
export interface Fact {
  readonly kind: keyof typeof RECORDS;
  readonly key: string;
  readonly at: Date;
  /** A later instant, where the kind has one. */
  readonly endedAt: Date | null;
  readonly cents: number;
  readonly currency: string;
  readonly flag: boolean;
}

/** Stars of a review that has any. */
export const starsOf = ({ cents }: Fact): number => (Math.abs(cents) % 5) + 1;
export const amountOf = ({ cents }: Fact): string => (cents / 100).toFixed(2);
/** Platform days are told as the date of `at` in UTC. */
export const platformDayOf = ({ at }: Fact): string => at.toISOString().slice(0, 10);
export const chatOf = ({ key }: Fact): string => `chat-${key.charCodeAt(0) % 2}`;

const proposal = (fact: Fact): ProposalRecord => ({
  upworkProposalId: fact.key,
  upworkJobId: null,
  coverLetter: null,
  bidAmount: null,
  bidCurrency: null,
  bidType: null,
  deliveryTime: null,
  status: fact.flag ? 'withdrawn' : 'submitted',
  platformStatus: 'any',
  submittedAt: fact.at,
  viewedAt: null,
  interviewedAt: null,
  // The first one stays, so a model that has it change would be wrong.
  hiredAt: null,
  rejectedAt: null,
  rejectionReason: null,
  sourceUpdatedAt: null,
});

const payment = (fact: Fact): PaymentRecord => ({
  platformPaymentId: fact.key,
  kind: fact.flag ? 'earning' : 'fee',
  platformKind: null,
  upworkContractId: null,
  amount: amountOf(fact),
  currency: fact.currency,
  status: fact.cents % 5 === 0 ? 'failed' : 'completed',
  platformStatus: null,
  description: null,
  clientName: null,
  relatedPaymentId: null,
  occurredAt: fact.at,
  dueAt: null,
  paymentDate: null,
  sourceUpdatedAt: null,
});

const timeEntry = (fact: Fact): TimeEntryRecord => ({
  entryKey: fact.key,
  upworkContractId: '1',
  termId: null,
  workDate: platformDayOf(fact),
  task: null,
  memo: null,
  hours: amountOf(fact),
  onlineHours: null,
  manualHours: null,
  amount: null,
  currency: null,
  sourceUpdatedAt: null,
});

const order = (fact: Fact): OrderRecord => ({
  orderKey: fact.key,
  orderGroup: null,
  parentKey: null,
  scheme: 'fbo',
  status: fact.flag ? 'cancelled' : 'delivered',
  platformStatus: 'any',
  platformSubstatus: null,
  orderedAt: fact.at,
  shipBy: null,
  deliveredAt: null,
  cancelledAt: fact.endedAt,
  cancelReason: null,
  amount: amountOf(fact),
  currency: fact.currency,
  paidAmount: null,
  paidCurrency: null,
  quantity: fact.cents % 4,
  items: [],
  warehouseKey: null,
  warehouseName: null,
  region: null,
  details: {},
  sourceUpdatedAt: null,
});

const sale = (fact: Fact): SaleRecord => ({
  saleKey: fact.key,
  orderKey: null,
  kind: fact.flag ? 'sale' : 'return',
  soldAt: fact.at,
  productKey: null,
  offerCode: null,
  barcode: null,
  warehouseName: null,
  region: null,
  amount: amountOf(fact),
  paidAmount: null,
  payout: null,
  currency: fact.currency,
  details: {},
  sourceUpdatedAt: null,
});

const returned = (fact: Fact): ReturnRecord => ({
  returnKey: fact.key,
  kind: 'return',
  orderKey: null,
  productKey: null,
  offerCode: null,
  status: 'open',
  platformStatus: null,
  reason: null,
  comment: null,
  quantity: 1,
  amount: fact.flag ? amountOf(fact) : null,
  currency: fact.flag ? fact.currency : null,
  openedAt: fact.at,
  statusChangedAt: null,
  details: {},
  sourceUpdatedAt: null,
});

const review = (fact: Fact): ReviewRecord => ({
  reviewKey: fact.key,
  productKey: null,
  offerCode: null,
  rating: fact.flag ? starsOf(fact) : null,
  text: null,
  pros: null,
  cons: null,
  authorName: null,
  status: 'new',
  platformStatus: null,
  answer: null,
  publishedAt: fact.at,
  details: {},
  sourceUpdatedAt: null,
});

const productDay = (fact: Fact): ProductDayRecord => ({
  productKey: fact.key,
  statDate: platformDayOf(fact),
  views: fact.flag ? Math.abs(fact.cents) : null,
  cartAdds: null,
  orders: null,
  ordersAmount: null,
  buyouts: null,
  buyoutsAmount: null,
  cancels: null,
  returns: null,
  currency: null,
  details: {},
  sourceUpdatedAt: null,
});

const entry = (fact: Fact): FinanceEntryRecord => ({
  source: 'report',
  entryId: fact.key,
  reportId: null,
  kind: 'sale',
  platformKind: null,
  entryDate: platformDayOf(fact),
  occurredAt: null,
  amount: amountOf(fact),
  currency: fact.currency,
  quantity: null,
  orderKey: null,
  productKey: null,
  offerCode: null,
  breakdown: {},
  sourceUpdatedAt: null,
});

export const message = (fact: Fact): MessageRecord => ({
  chatKey: chatOf(fact),
  platformMessageId: fact.key,
  direction: fact.flag ? 'inbound' : 'outbound',
  role: null,
  senderType: null,
  senderId: null,
  senderName: null,
  content: 'any',
  attachments: [],
  status: fact.flag ? 'received' : fact.cents % 5 === 0 ? 'failed' : 'sent',
  sentAt: fact.at,
  editedAt: null,
  messageType: null,
  replyToId: null,
  details: {},
  sourceUpdatedAt: null,
});

interface Kind<R> {
  readonly table: RecordTable<R>;
  readonly toRecord: (fact: Fact) => R;
}

const kind = <R>(table: RecordTable<R>, toRecord: (fact: Fact) => R): Kind<never> =>
  ({ table, toRecord }) as unknown as Kind<never>;

export const RECORDS = {
  proposal: kind(proposalsTable, proposal),
  payment: kind(paymentsTable, payment),
  time: kind(timeEntriesTable, timeEntry),
  order: kind(ordersTable, order),
  sale: kind(salesTable, sale),
  return: kind(returnsTable, returned),
  review: kind(reviewsTable, review),
  views: kind(productDailyStatsTable, productDay),
  finance: kind(financeEntriesTable, entry),
  message: kind(messagesTable, message),
} as const;

/** The key of a fact's row as one text. */
export function rowKeyOf(fact: Fact): string {
  const { table, toRecord } = RECORDS[fact.kind] as unknown as Kind<Fact>;
  return table.keyOf(toRecord(fact));
}
