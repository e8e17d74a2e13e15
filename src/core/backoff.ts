// How long to wait before the next attempt: exponential growth under a cap, with full jitter, so that a thousand
// jobs that failed together do not come back together.

export interface Backoff {
  /** Upper bound of the first wait, in milliseconds. */
  readonly baseMs: number;
  /** Upper bound of any wait, in milliseconds. */
  readonly capMs: number;
}

/**
 * Wait before the attempt that follows failed attempt number `attempt` (1 = the first one).
 * `random` is uniform in [0, 1). Never below 1 ms.
 */
export function backoffMs({ baseMs, capMs }: Backoff, attempt: number, random: number): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.max(1, Math.round(ceiling * random));
}
