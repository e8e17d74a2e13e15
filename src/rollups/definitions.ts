// What a user's day means, as data: each metric a sentence that says exactly what counts, and how it is reckoned. The rollup, `verify`
// and `docs/metrics.md` are made from this list.
//
// Counts belong to the day on which the thing happened. Rates are of the cohort: what became, until now, of the proposals
// sent on that day, so that they stay between 0 and 100 and a late answer changes the day it was asked on. Everything that is not
// a sum is reckoned from sums, so that days add up to weeks and late facts of a sealed day can be told as differences.

import type { DerivedMetric, MetricModel, MoneyMetric, SumMetric } from '../store/metric-model.ts';
import { FACT_SOURCES } from './fact-sources.ts';

type Reckoned = Pick<SumMetric, 'value' | 'meaning'> & { readonly source: string };

function count(column: string, { source, value, meaning }: Reckoned): SumMetric {
  return { kind: 'sum', column, type: 'integer', source, value, meaning };
}

function money(
  column: string,
  source: string,
  meaning: string,
  { amount = 't.amount', currency = 't.currency' }: { readonly amount?: string; readonly currency?: string } = {},
): MoneyMetric {
  return { kind: 'money', column, type: 'numeric(20, 6)', source, meaning, amount, currency };
}

function rate(column: string, part: string, meaning: string): DerivedMetric {
  const expression = `round(100.0 * ${part} / nullif(proposals_sent, 0), 2)`;
  return { kind: 'derived', column, type: 'numeric(7, 2)', meaning, expression };
}

const when = (condition: string, value = '1'): string => `case when ${condition} then ${value} end`;

const PROPOSALS: MetricModel['metrics'] = [
  count('proposals_sent', {
    source: 'proposals.sent',
    value: '1',
    meaning: 'Proposals submitted on the day; drafts do not count, withdrawn ones do.',
  }),
  count('proposals_viewed', {
    source: 'proposals.viewed',
    value: '1',
    meaning: 'Proposals that a client was first seen to act on, on the day.',
  }),
  count('proposals_interviewed', {
    source: 'proposals.interviewed',
    value: '1',
    meaning: 'Proposals whose interview was first seen on the day.',
  }),
  count('proposals_hired', {
    source: 'proposals.hired',
    value: '1',
    meaning: 'Proposals that led to a hire on the day.',
  }),
  count('proposals_answered', {
    source: 'proposals.sent',
    value: when('t.interviewed_at is not null or t.hired_at is not null'),
    meaning: 'Proposals submitted on the day that got an interview or a hire, whenever that was.',
  }),
  count('proposals_won', {
    source: 'proposals.sent',
    value: when('t.hired_at is not null'),
    meaning: 'Proposals submitted on the day that led to a hire, whenever that was.',
  }),
  rate('response_rate', 'proposals_answered', '100 × proposals_answered ÷ proposals_sent; null when none was sent.'),
  rate('success_rate', 'proposals_won', '100 × proposals_won ÷ proposals_sent; null when none was sent.'),
];

const EARNED = `t.kind in ('earning', 'bonus', 'refund')`;

const WORK: MetricModel['metrics'] = [
  count('payments', {
    source: 'payments',
    value: when(`t.kind in ('earning', 'bonus')`),
    meaning: 'Earnings and bonuses booked on the day, pending ones too, failed ones not.',
  }),
  money(
    'total_earnings',
    'payments',
    'Earnings, bonuses and refunds (negative) booked on the day, before fees and taxes; pending ones too, failed ones not.',
    { amount: when(EARNED, 't.amount') },
  ),
  money(
    'platform_fees',
    'payments',
    'Fees and taxes booked on the day, with the sign that they have for the user: what is paid is negative.',
    { amount: when(`t.kind in ('fee', 'tax')`, 't.amount') },
  ),
  {
    kind: 'sum',
    column: 'total_hours',
    type: 'numeric(12, 2)',
    source: 'time_entries',
    value: 't.hours',
    meaning: 'Hours worked on the platform’s day of this date (Upwork’s days are UTC).',
  },
];

const SHOP: MetricModel['metrics'] = [
  count('orders', {
    source: 'orders.placed',
    value: '1',
    meaning:
      'Orders placed by buyers on the day, ones that were cancelled later too; parts that are sent on their own count each.',
  }),
  count('units_ordered', {
    source: 'orders.placed',
    value: 't.quantity',
    meaning: 'Pieces in the orders placed on the day, as far as the platform says how many.',
  }),
  money(
    'order_amount',
    'orders.placed',
    'Orders placed on the day at the seller’s price after his own discounts, as far as the platform says one amount.',
  ),
  count('orders_cancelled', {
    source: 'orders.cancelled',
    value: '1',
    meaning: 'Orders that are cancelled now and were on the day, whenever they had been placed.',
  }),
  count('sales', {
    source: 'sales',
    value: when(`t.kind = 'sale'`),
    meaning: 'Sales (goods that buyers kept) that a platform with sales statistics tells for the day.',
  }),
  money('sales_amount', 'sales', 'Sales less returns that a platform with sales statistics tells for the day.'),
  count('returns', {
    source: 'returns',
    value: '1',
    meaning: 'Claims and returns of buyers opened on the day, whatever became of them.',
  }),
  money('return_amount', 'returns', 'Claims and returns opened on the day, as far as the platform says an amount.'),
  money(
    'finance_amount',
    'finance_entries',
    'Sum of the lines of the platform’s accounts for its own day of this date (Moscow’s for Wildberries and Ozon), as signed for the seller.',
  ),
  {
    kind: 'sum',
    column: 'listing_views',
    type: 'numeric(20, 2)',
    source: 'product_daily_stats',
    value: 't.views',
    meaning:
      'Views of products and gigs that the platform counts for its own day of this date, as far as it tells them.',
  },
];

const OPINION: MetricModel['metrics'] = [
  count('reviews', {
    source: 'reviews',
    value: '1',
    meaning: 'Reviews by buyers and clients published on the day, with or without a rating.',
  }),
  count('reviews_rated', {
    source: 'reviews',
    value: when('t.rating is not null'),
    meaning: 'Reviews published on the day that have a rating.',
  }),
  count('rating_total', {
    source: 'reviews',
    value: 't.rating',
    meaning: 'Sum of the ratings (1 to 5) of the reviews published on the day, as they are now.',
  }),
  {
    kind: 'derived',
    column: 'average_rating',
    type: 'numeric(7, 2)',
    expression: 'round(1.0 * rating_total / nullif(reviews_rated, 0), 2)',
    meaning: 'Average: rating_total ÷ reviews_rated; null when nothing was rated.',
  },
];

const TALK: MetricModel['metrics'] = [
  count('messages_in', {
    source: 'messages',
    value: when(`t.direction = 'inbound'`),
    meaning: 'Messages that others sent on the day, in talks of every kind; removed ones do not count.',
  }),
  count('messages_out', {
    source: 'messages',
    value: when(`t.direction = 'outbound'`),
    meaning:
      'Messages sent from the account on the day by whomever, bots too; queued, failed, unsure and removed ones do not count.',
  }),
  count('first_responses', {
    source: 'messages.answers',
    value: '1',
    meaning: 'Messages out on the day that are the first in their talk after one or more messages in; of both kept.',
  }),
  {
    kind: 'sum',
    column: 'first_response_total_seconds',
    type: 'numeric(20, 3)',
    source: 'messages.answers',
    value: 'extract(epoch from t.sent_at - q.asked_at)',
    meaning:
      'For each first response of the day, the seconds since the oldest message in that nobody had answered; their sum.',
  },
  {
    kind: 'derived',
    column: 'first_response_seconds',
    type: 'numeric(20, 2)',
    expression: 'round(first_response_total_seconds / nullif(first_responses, 0), 2)',
    meaning: 'Average (not median): first_response_total_seconds ÷ first_responses; null when nothing was answered.',
  },
];

/** Columns of a further platform come with a migration and lines here. */
export const DAY_MODEL: MetricModel = {
  sources: FACT_SOURCES,
  metrics: [...PROPOSALS, ...WORK, ...SHOP, ...OPINION, ...TALK],
};
