// What a user's day means, as data: each metric a sentence and an expression over the day's facts.
//
// Counts belong to the day on which the thing happened. Rates are of the cohort: what became, until now, of the proposals
// sent on that day, so that they stay between 0 and 100 and a late answer changes the day it was asked on.

import type { MetricDefinition } from '../store/user-metrics.ts';

const rate = (reached: string): string =>
  `round(100.0 * count(*) filter (where sent and (${reached})) / nullif(count(*) filter (where sent), 0), 2)`;

export const DAY_METRICS: readonly MetricDefinition[] = [
  {
    column: 'proposals_sent',
    meaning: 'Proposals submitted on the day',
    expression: 'count(*) filter (where sent)',
  },
  {
    column: 'proposals_viewed',
    meaning: 'Proposals that a client was first seen to act on, on the day',
    expression: 'count(*) filter (where viewed)',
  },
  {
    column: 'proposals_interviewed',
    meaning: 'Proposals whose interview was first seen on the day',
    expression: 'count(*) filter (where interviewed)',
  },
  {
    column: 'proposals_hired',
    meaning: 'Proposals that led to a hire on the day',
    expression: 'count(*) filter (where hired)',
  },
  {
    column: 'response_rate',
    meaning: 'Per cent of the proposals sent on the day that got an interview or a hire; null when none was sent',
    expression: rate('ever_interviewed or ever_hired'),
  },
  {
    column: 'success_rate',
    meaning: 'Per cent of the proposals sent on the day that led to a hire; null when none was sent',
    expression: rate('ever_hired'),
  },
];
