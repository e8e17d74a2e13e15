// Which table keeps which record kind.

import type { RecordKind, RecordKinds } from '../../core/records.ts';
import { chatMembersTable } from './chat-members.ts';
import { contractsTable } from './contracts.ts';
import { conversationsTable } from './conversations.ts';
import { jobsTable } from './jobs.ts';
import { messagesTable } from './messages.ts';
import { messageTemplatesTable } from './message-templates.ts';
import { messagingAnalyticsTable } from './messaging-analytics.ts';
import { offersTable } from './offers.ts';
import { paymentsTable } from './payments.ts';
import { phoneNumbersTable } from './phone-numbers.ts';
import { platformEventsTable } from './platform-events.ts';
import { proposalsTable } from './proposals.ts';
import type { RecordTable } from './record-table.ts';
import { timeEntriesTable } from './time-entries.ts';
import { upworkProfilesTable } from './upwork-profiles.ts';
import { productsTable } from './products.ts';
import { pricesTable } from './prices.ts';
import { stocksTable } from './stocks.ts';
import { salesTable } from './sales.ts';
import { financeEntriesTable } from './finance-entries.ts';
import { returnsTable } from './returns.ts';
import { reviewsTable } from './reviews.ts';
import { questionsTable } from './questions.ts';
import { suppliesTable } from './supplies.ts';
import { productDailyStatsTable } from './product-daily-stats.ts';
import { sellerAccountsTable } from './seller-accounts.ts';
import { assemblyOrdersTable, feedOrdersTable, ordersTable, statisticsOrdersTable } from './orders.ts';

/** A record whose kind is known only to its stream. */
export type AnyRecord = RecordKinds[RecordKind];

const TABLES: { readonly [K in RecordKind]: RecordTable<RecordKinds[K]> } = {
  posting: jobsTable,
  proposal: proposalsTable,
  upwork_profile: upworkProfilesTable,
  contract: contractsTable,
  time_entry: timeEntriesTable,
  payment: paymentsTable,
  offer: offersTable,
  conversation: conversationsTable,
  message: messagesTable,
  chat_member: chatMembersTable,
  platform_event: platformEventsTable,
  phone_number: phoneNumbersTable,
  message_template: messageTemplatesTable,
  messaging_analytics: messagingAnalyticsTable,
  product: productsTable,
  price: pricesTable,
  stock: stocksTable,
  sale: salesTable,
  finance_entry: financeEntriesTable,
  return: returnsTable,
  review: reviewsTable,
  question: questionsTable,
  supply: suppliesTable,
  product_day: productDailyStatsTable,
  seller_account: sellerAccountsTable,
  order: ordersTable,
  order_statistics: statisticsOrdersTable,
  order_feed: feedOrdersTable,
  order_fbs: assemblyOrdersTable,
};

/** The table of a kind. A stream's `parse` yields records of its own `kind`, so the getters fit. */
export function tableOf(kind: RecordKind): RecordTable<AnyRecord> {
  return TABLES[kind] as unknown as RecordTable<AnyRecord>;
}
