// Limits of Ozon as data: one bucket for all methods of a client, and one more for the few methods that have their own. Nothing
// in an answer says what is left.

import { MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import type { BucketCharge, BucketRule } from '../../limits/governor.ts';

/** 50 requests a second; a client of other programs besides ours leaves them some. */
export const CLIENT_RULE: BucketRule = {
  id: 'ozon.client',
  requests: 40,
  perMs: SECOND_MS,
  burst: 40,
  // A refusal names a second.
  parkMs: 300,
  interactiveReserve: 0.1,
  source: 'Ozon Seller API documentation, news of 2026, read 2026-10-06',
};

export const ANALYTICS_RULE: BucketRule = {
  id: 'ozon.analytics',
  requests: 1,
  perMs: MINUTE_MS,
  burst: 1,
  source: 'Ozon Seller API documentation, /v1/analytics/data, 2026-05',
};

/** Methods with a limit of their own. */
const OWN_RULES: Readonly<Record<string, BucketRule>> = { '/v1/analytics/data': ANALYTICS_RULE };

/** The narrowest bucket first. */
export function chargesOf(method: string, clientId: string): readonly BucketCharge[] {
  const own = OWN_RULES[method];
  const client = { rule: CLIENT_RULE, key: clientId };
  return own === undefined ? [client] : [{ rule: own, key: clientId }, client];
}
