// Every wait of the client: it ends when the time is up or the caller says so, and leaves no listener behind.

import type { TidemarkError } from './errors.ts';

const BASE_MS = 200;
const LONGEST_MS = 60_000;
/** Answers of a server, or of a proxy before it, that is away for a moment. */
const AWAY = [0, 502, 503, 504];

/** Full jitter, so that a thousand clients that failed together do not come back together. */
export function backoffMs(tries: number): number {
  return Math.random() * Math.min(LONGEST_MS, BASE_MS * 2 ** tries);
}

/**
 * How long before the next try, in milliseconds; undefined: there is none, also when the server asks for more patience than
 * a call should have.
 */
export function waitBefore(
  { status, retryAfterMs = 0 }: TidemarkError,
  tries: number,
  isSafe: boolean,
): number | undefined {
  const mayTry = status === 429 || (AWAY.includes(status) && isSafe);
  return mayTry && retryAfterMs <= LONGEST_MS ? retryAfterMs + backoffMs(tries) : undefined;
}

/** Rejects with the signal's reason when it fires. */
export function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Ends what is under way when its time is up, or when the caller's own signal fires. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Whether the time was up. */
  readonly isOver: boolean;
  /** The time begins anew. */
  extend(ms: number): void;
  /** Nothing is under way any more. */
  close(): void;
}

export function createDeadline(ms: number, outer: AbortSignal | undefined): Deadline {
  const inner = new AbortController();
  let isOver = false;
  const timeUp = (): void => {
    isOver = true;
    inner.abort();
  };
  let timer = setTimeout(timeUp, ms);
  const pass = (): void => inner.abort(outer!.reason);
  if (outer?.aborted === true) pass();
  else outer?.addEventListener('abort', pass, { once: true });
  return {
    signal: inner.signal,
    get isOver() {
      return isOver;
    },
    extend(more) {
      clearTimeout(timer);
      timer = setTimeout(timeUp, more);
    },
    close() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', pass);
    },
  };
}
