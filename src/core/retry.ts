// The one decision about a failed attempt: error kind x attempt x policy → what becomes of the job. Pure; the queue
// host and the sync runner carry it out.

import { backoffMs, type Backoff } from './backoff.ts';
import { MINUTE_MS } from './duration.ts';
import type { AppError } from './errors.ts';

export interface RetryPolicy {
  /** Attempts in all, the first one included. */
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  /** Wait after `rate_limited` when the platform did not say how long, in milliseconds. */
  readonly rateLimitMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  maxAttempts: 5,
  backoff: { baseMs: 1_000, capMs: 5 * 60_000 },
  rateLimitMs: 60_000,
};

/**
 * What becomes of the job.
 *
 * - `retry` again after `delayMs`; the attempt is spent
 * - `snooze` again after `delayMs`; the attempt is not spent
 * - `replan` at once from a safe point; the attempt is spent
 * - `park` nothing more happens until a person acts
 * - `discard` someone else won: settle quietly
 * - `dead` dead letter
 */
export type Decision =
  | { readonly action: 'retry' | 'snooze'; readonly delayMs: number }
  | { readonly action: 'replan' | 'discard' | 'dead' }
  | { readonly action: 'park'; readonly scope: 'integration' | 'stream'; readonly gone: boolean };

export interface FailedAttempt {
  readonly error: AppError;
  /** Number of the attempt that failed, from 1. */
  readonly attempt: number;
  readonly policy: RetryPolicy;
  /** Uniform in [0, 1). */
  readonly random: number;
}

export function decide({ error, attempt, policy, random }: FailedAttempt): Decision {
  const exhausted = attempt >= policy.maxAttempts;
  switch (error.kind) {
    case 'transient':
      return exhausted ? { action: 'dead' } : { action: 'retry', delayMs: backoffMs(policy.backoff, attempt, random) };
    case 'rate_limited': {
      const waitMs = error.retryAfterMs ?? policy.rateLimitMs;
      // A tenth on top, at random, so that everybody who was told the same instant does not return at it. At most a minute:
      // whoever waits for the next day's budget should not miss two hours of it.
      return { action: 'snooze', delayMs: Math.round(waitMs + random * Math.min(0.1 * waitMs, MINUTE_MS)) };
    }
    case 'stale_cursor':
      return exhausted ? { action: 'dead' } : { action: 'replan' };
    case 'auth':
    case 'config':
      return { action: 'park', scope: 'integration', gone: false };
    case 'scope':
      return { action: 'park', scope: 'stream', gone: false };
    case 'gone':
      return { action: 'park', scope: 'stream', gone: true };
    case 'conflict':
      return { action: 'discard' };
    case 'invalid_record':
    case 'fatal':
      return { action: 'dead' };
  }
}
