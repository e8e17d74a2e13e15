// Upwork's limit per egress IP: so many requests in any sliding window, both endpoints together. A refused request
// counts too, as a client that hammers a 429 stays refused.

import type { SimulatorAnswer } from '../server.ts';

export interface RateLimit {
  /** Upwork: 300. */
  readonly max: number;
  /** Default 60,000. */
  readonly windowMs?: number;
  /** Sent as `Retry-After` when given; Upwork documents none. */
  readonly retryAfterSeconds?: number;
}

export interface RateGate {
  limit: RateLimit | null;
  /** Counts a request; the 429 when there were too many. */
  refuse(): SimulatorAnswer | undefined;
}

export function createRateGate(initial: RateLimit | null, mono: () => number): RateGate {
  let arrivals: number[] = [];
  return {
    limit: initial,
    refuse() {
      if (this.limit === null) return undefined;
      const { max, windowMs = 60_000, retryAfterSeconds } = this.limit;
      const at = mono();
      arrivals = arrivals.filter((arrival) => at - arrival < windowMs);
      arrivals.push(at);
      if (arrivals.length <= max) return undefined;
      const headers: Record<string, string> =
        retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      return { status: 429, headers, body: { message: 'Too Many Requests' } };
    },
  };
}
