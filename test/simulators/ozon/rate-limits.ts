// Ozon's own buckets: so many requests a second of a Client-Id over all methods, and one a minute of some methods. No answer
// tells how full they are; a refusal only says that the rate was reached.

import { TokenBucket } from '../token-bucket.ts';
import { CODE, OzonFailure } from './failure.ts';

/** May be changed while the simulator runs. */
export interface OzonLimits {
  /** Of a Client-Id over all methods. */
  perSecond: number;
  /** Of a Client-Id and method. */
  perMinute: Readonly<Record<string, number>>;
}

export function defaultLimits(): OzonLimits {
  return { perSecond: 50, perMinute: { '/v1/analytics/data': 1, '/v1/analytics/turnover/stocks': 1 } };
}

export interface RateLimiter {
  /** Throws the refusal of a request that is too many. */
  take(clientId: string, path: string): void;
}

export function createRateLimiter(limits: OzonLimits, mono: () => number): RateLimiter {
  const buckets = new Map<string, TokenBucket>();
  const isGranted = (key: string, perSecond: number, burst: number): boolean => {
    let bucket = buckets.get(key);
    if (bucket === undefined) buckets.set(key, (bucket = new TokenBucket({ perSecond, burst }, mono)));
    bucket.change({ perSecond, burst });
    return bucket.take().granted;
  };
  return {
    take(clientId, path) {
      if (!isGranted(clientId, limits.perSecond, limits.perSecond))
        throw tooMany('You have reached request rate limit per second');
      const perMinute = limits.perMinute[path];
      if (perMinute !== undefined && !isGranted(`${clientId} ${path}`, perMinute / 60, perMinute))
        throw tooMany('You have reached request rate limit per minute');
    },
  };
}

function tooMany(message: string): OzonFailure {
  return new OzonFailure(429, CODE.resourceExhausted, message);
}
