// A platform's own bucket: tokens come back at a steady rate, up to a burst. The limit may change while it is used.

export interface BucketLimit {
  readonly perSecond: number;
  readonly burst: number;
}

export interface Verdict {
  readonly granted: boolean;
  /** Whole tokens left. */
  readonly remaining: number;
  /** Seconds until one token is there, and until all are; rounded up. */
  readonly retrySeconds: number;
  readonly resetSeconds: number;
  readonly burst: number;
}

export class TokenBucket {
  #limit: BucketLimit;
  #tokens: number;
  #atMs: number;
  readonly #mono: () => number;

  constructor(limit: BucketLimit, mono: () => number) {
    this.#limit = limit;
    this.#mono = mono;
    this.#tokens = limit.burst;
    this.#atMs = mono();
  }

  /** What is there stays, as far as the new burst allows. */
  change(limit: BucketLimit): void {
    this.#refill();
    this.#limit = limit;
    this.#tokens = Math.min(this.#tokens, limit.burst);
  }

  /** Takes `cost` tokens when one is there at all; a dear request may leave the bucket in debt. */
  take(cost = 1): Verdict {
    this.#refill();
    const granted = this.#tokens >= 1;
    if (granted) this.#tokens -= cost;
    return this.#verdict(granted);
  }

  /** Takes more for a request that turned out dearer. */
  charge(cost: number): Verdict {
    this.#refill();
    this.#tokens -= cost;
    return this.#verdict(true);
  }

  #verdict(granted: boolean): Verdict {
    const { perSecond, burst } = this.#limit;
    return {
      granted,
      remaining: Math.max(0, Math.floor(this.#tokens)),
      retrySeconds: Math.max(0, Math.ceil((1 - this.#tokens) / perSecond)),
      resetSeconds: Math.max(0, Math.ceil((burst - this.#tokens) / perSecond)),
      burst,
    };
  }

  #refill(): void {
    const nowMs = this.#mono();
    const { perSecond, burst } = this.#limit;
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#atMs) / 1_000) * perSecond);
    this.#atMs = nowMs;
  }
}

/** Headers as Wildberries sends them (API documentation, 2026-08-18). */
export function rateHeaders({
  granted,
  remaining,
  retrySeconds,
  resetSeconds,
  burst,
}: Verdict): Record<string, string> {
  const both = { 'x-ratelimit-limit': String(burst), 'x-ratelimit-reset': String(resetSeconds) };
  return granted
    ? { ...both, 'x-ratelimit-remaining': String(remaining) }
    : { ...both, 'x-ratelimit-retry': String(Math.max(1, retrySeconds)) };
}
