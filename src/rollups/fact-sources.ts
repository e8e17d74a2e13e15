// Where the facts of a user's day lie, as data. A further platform adds its tables here, and what is counted of them in
// `definitions.ts`; every instant named here is among the `dirtyInstants` of its table (`test/unit/metric-model.test.ts`).

import type { FactSource } from '../store/metric-model.ts';
import { financeEntriesTable } from '../store/record-tables/finance-entries.ts';
import { countsAsSent, firstAnswerAfter, messagesTable } from '../store/record-tables/messages.ts';
import { ordersTable } from '../store/record-tables/orders.ts';
import { paymentsTable } from '../store/record-tables/payments.ts';
import { productDailyStatsTable } from '../store/record-tables/product-daily-stats.ts';
import { proposalsTable } from '../store/record-tables/proposals.ts';
import { returnsTable } from '../store/record-tables/returns.ts';
import { reviewsTable } from '../store/record-tables/reviews.ts';
import { salesTable } from '../store/record-tables/sales.ts';
import { timeEntriesTable } from '../store/record-tables/time-entries.ts';

const SENT_PROPOSAL = `t.status <> 'draft'`;

/** Of two answers in one instant the one with the smaller key; what came in the instant of an answer came before it. */
const ANSWER_TO = `
        cross join lateral (
          select min(i.sent_at) as asked_at
          from messages i
          where i.user_id = t.user_id
            and i.integration_id = t.integration_id
            and i.chat_key = t.chat_key
            and i.direction = 'inbound'
            and i.deleted_at is null
            and i.sent_at <= t.sent_at
            and i.sent_at > coalesce((
              select max(p.sent_at)
              from messages p
              where p.user_id = t.user_id
                and p.integration_id = t.integration_id
                and p.chat_key = t.chat_key
                and p.sent_at < t.sent_at
                and ${countsAsSent('p')}
            ), '-infinity')
        ) q`;

const IS_ANSWER = `${countsAsSent('t')}
          and q.asked_at is not null
          and not exists (
            select
            from messages s
            where s.user_id = t.user_id
              and s.integration_id = t.integration_id
              and s.chat_key = t.chat_key
              and s.sent_at = t.sent_at
              and s.platform_message_id < t.platform_message_id
              and ${countsAsSent('s')}
          )`;

export const FACT_SOURCES: readonly FactSource[] = [
  { name: 'proposals.sent', table: proposalsTable, at: 'submitted_at', where: SENT_PROPOSAL },
  { name: 'proposals.viewed', table: proposalsTable, at: 'viewed_at', where: SENT_PROPOSAL },
  { name: 'proposals.interviewed', table: proposalsTable, at: 'interviewed_at', where: SENT_PROPOSAL },
  { name: 'proposals.hired', table: proposalsTable, at: 'hired_at', where: SENT_PROPOSAL },
  { name: 'payments', table: paymentsTable, at: 'occurred_at', where: `t.status <> 'failed'` },
  { name: 'time_entries', table: timeEntriesTable, at: 'work_date', isPlatformDay: true },
  { name: 'orders.placed', table: ordersTable, at: 'ordered_at', where: `t.kind = 'sale'` },
  {
    name: 'orders.cancelled',
    table: ordersTable,
    at: 'cancelled_at',
    where: `t.kind = 'sale' and t.status = 'cancelled'`,
  },
  { name: 'sales', table: salesTable, at: 'sold_at' },
  { name: 'returns', table: returnsTable, at: 'opened_at' },
  { name: 'reviews', table: reviewsTable, at: 'published_at' },
  { name: 'product_daily_stats', table: productDailyStatsTable, at: 'stat_date', isPlatformDay: true },
  { name: 'finance_entries', table: financeEntriesTable, at: 'entry_date', isPlatformDay: true },
  {
    name: 'messages',
    table: messagesTable,
    at: 'sent_at',
    where: `(t.direction = 'inbound' or ${countsAsSent('t')})`,
    neededAt: firstAnswerAfter('t.integration_id', 't.chat_key', 't.sent_at'),
  },
  {
    name: 'messages.answers',
    table: messagesTable,
    at: 'sent_at',
    join: ANSWER_TO,
    where: IS_ANSWER,
    follows: 'messages',
  },
];
