// Ozon's limits as data. No answer tells how full a bucket is, so all of them are kept on our side, by Client-Id: users of one
// shop share them.

import { MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import type { BucketCharge, BucketRule } from '../../limits/governor.ts';

const DOCUMENT = 'Ozon Seller API documentation, request limits, read 2026-10-06';

/**
 * 50 requests a second of a Client-Id over all methods. Burst plus a second at the sustained rate is 40: requests may leave a
 * third of a second late before any second at the server holds more than 50. The rest is left for the seller's other programs.
 */
export const API_RULE: BucketRule = {
  id: 'ozon.api',
  requests: 30,
  perMs: SECOND_MS,
  burst: 10,
  interactiveReserve: 0.2,
  // A refusal names no time; the platform counts by the second, and warns of those who go on.
  parkMs: 5 * SECOND_MS,
  source: DOCUMENT,
};

const oncePerMinute = (name: string, source: string): BucketRule => ({
  id: `ozon.${name}`,
  requests: 1,
  perMs: MINUTE_MS,
  burst: 1,
  source,
});

/** Methods with a bucket of their own beside the common one. */
const METHOD_RULES: Readonly<Record<string, BucketRule>> = {
  '/v1/analytics/data': oncePerMinute('analytics_data', DOCUMENT),
  '/v1/analytics/turnover/stocks': oncePerMinute(
    'analytics_turnover',
    'no published limit; community practice, 2026-10-06',
  ),
};

export const ALL_RULES: readonly BucketRule[] = [API_RULE, ...Object.values(METHOD_RULES)];

/** The narrowest bucket first. */
export function chargesOf(method: string, clientId: string): readonly BucketCharge[] {
  const own = METHOD_RULES[method];
  const rules = own === undefined ? [API_RULE] : [own, API_RULE];
  return rules.map((rule) => ({ rule, key: clientId }));
}
