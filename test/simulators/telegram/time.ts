// The platform's clock and its waits: real, or turned by hand so that a test of fifty seconds takes none.

import { setTimeout as delay } from 'node:timers/promises';

export interface PlatformTime {
  /** Wall clock: dates of messages, expiry. */
  now(): Date;
  /** Monotonic milliseconds: pauses, rate limits, the journal. */
  mono(): number;
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. Never rejects. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Time as it passes; does not keep the process alive. */
export const realTime: PlatformTime = {
  now: () => new Date(),
  mono: () => performance.now(),
  wait: (ms, signal) => delay(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined),
};

export interface ManualTime extends PlatformTime {
  /** Resolves as soon as so many waits are under way. */
  untilWaiting(count: number): Promise<void>;
  /** Turns both clocks and ends the waits that are due, the earliest first. */
  advance(ms: number): void;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

interface Watcher {
  readonly count: number;
  readonly resolve: () => void;
}

/** Stands still until it is turned. */
export function manualTime(start: Date): ManualTime {
  let elapsed = 0;
  let sleepers: Sleeper[] = [];
  let watchers: Watcher[] = [];
  const notify = (): void => {
    const isMet = ({ count }: Watcher): boolean => count <= sleepers.length;
    for (const { resolve } of watchers.filter(isMet)) resolve();
    watchers = watchers.filter((watcher) => !isMet(watcher));
  };
  return {
    now: () => new Date(start.getTime() + elapsed),
    mono: () => elapsed,
    wait(ms, signal) {
      if (ms <= 0 || signal?.aborted === true) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const sleeper: Sleeper = { at: elapsed + ms, wake: resolve };
      sleepers.push(sleeper);
      notify();
      const onAbort = (): void => {
        sleepers = sleepers.filter((other) => other !== sleeper);
        resolve();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      return promise.finally(() => signal?.removeEventListener('abort', onAbort));
    },
    untilWaiting(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      watchers.push({ count, resolve });
      notify();
      return promise;
    },
    advance(ms) {
      elapsed += ms;
      const due = sleepers.filter(({ at }) => at <= elapsed).toSorted((a, b) => a.at - b.at);
      sleepers = sleepers.filter(({ at }) => at > elapsed);
      for (const { wake } of due) wake();
    },
  };
}
