// Repeating a request in place: only what may well pass the next time, a few times, with full jitter. A longer wait is the
// queue's business, because a waiting request holds a worker's slot. Abort is not a failure; timeout is.

import pRetry from 'p-retry';
import { sleep } from '../core/async.ts';
import { backoffMs, type Backoff } from '../core/backoff.ts';
import { AppError } from '../core/errors.ts';

const BACKOFF: Backoff = { baseMs: 500, capMs: 8_000 };

/** A platform that asks for a longer pause than this (503 with Retry-After) is not asked again in place. */
const LONGEST_PAUSE_MS = 8_000;

export interface RetryOptions {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  readonly signal: AbortSignal;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly onRetry: (error: AppError, attempt: number, delayMs: number) => void;
}

/** Runs `attempt` until it succeeds, fails for good, or all attempts are spent; then throws its last error. */
export async function withRetries<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { attempts, signal, random, onRetry } = options;
  return await pRetry(attempt, {
    retries: attempts - 1,
    // The pause is ours (full jitter, Retry-After), so p-retry's own is none.
    minTimeout: 0,
    signal,
    shouldRetry: async ({ error, attemptNumber }) => {
      if (!isRepeatable(error)) return false;
      const delayMs = Math.max(error.retryAfterMs ?? 0, backoffMs(BACKOFF, attemptNumber, random()));
      onRetry(error, attemptNumber, delayMs);
      await sleep(delayMs, signal);
      return true;
    },
  });
}

function isRepeatable(error: unknown): error is AppError {
  return error instanceof AppError && error.kind === 'transient' && (error.retryAfterMs ?? 0) <= LONGEST_PAUSE_MS;
}
