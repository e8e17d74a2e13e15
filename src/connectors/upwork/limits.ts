// Upwork's limits as data. All tenants of one outgoing address share one bucket.

import type { BucketCharge, BucketRule } from '../../limits/governor.ts';
import type { CacheTerms } from '../contract/connector.ts';

/**
 * 300 requests a minute per IP address and about 40,000 a day. Burst plus a minute at the sustained rate is 286: requests
 * may leave up to 3 s late (a busy worker, a slow network) before any sliding 60 seconds at the server hold more than 300.
 * A tenth of the day is left for people's own clients.
 */
export const API_RULE: BucketRule = {
  id: 'upwork.api',
  requests: 276,
  perMs: 60_000,
  burst: 10,
  perDay: 36_000,
  interactiveReserve: 0.2,
  source: 'Upwork API documentation, rate limits, read 2026-10-06',
};

/** The token endpoint stands behind the edge's own limit: no number is published, one a second has been safe. */
export const TOKEN_RULE: BucketRule = {
  id: 'upwork.token',
  requests: 60,
  perMs: 60_000,
  burst: 20,
  source: 'no published limit; community practice, 2026-10-06',
};

/** "Cached data may only be stored for up to 24 hours"; whether an agreement says otherwise is between you and Upwork. */
export const CACHE_TERMS: CacheTerms = {
  cachedHours: 24,
  source: 'Upwork API documentation, API requests limits, read 2026-10-06',
};

export function apiCharge(egressId: string): BucketCharge {
  return { rule: API_RULE, key: egressId };
}

export function tokenCharge(egressId: string): BucketCharge {
  return { rule: TOKEN_RULE, key: egressId };
}
