// The alarm clock of a loop that sleeps when there is nothing to do: rung by hand, or at an instant.

export interface Alarm {
  ring(): void;
  /**
   * Rings after `ms`. What is too far away, or comes when a thousand instants are set already, is dropped, whatever the
   * instant: the loop polls anyway.
   */
  ringIn(ms: number): void;
  /** Number of rings so far; `wait({since})` then returns at once if it has rung in between. */
  seen(): number;
  /** Resolves after `ms`, or when it rings; true when it rang. */
  wait(ms: number, options?: { readonly since?: number; readonly ignoreRings?: boolean }): Promise<boolean>;
  /** Calls `listener` at each ring. Returns how to stop. */
  onRing(listener: () => void): () => void;
  /** Drops all that is set. */
  close(): void;
}

const FAR_MS = 60_000;
const MAX_TIMERS = 1_000;

export function createAlarm(): Alarm {
  const timers = new Set<NodeJS.Timeout>();
  const sleepers = new Set<() => void>();
  let rings = 0;

  function ring(): void {
    rings += 1;
    for (const wakeUp of sleepers) wakeUp();
  }

  return {
    ring,
    ringIn(ms) {
      if (ms > FAR_MS || timers.size >= MAX_TIMERS) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        ring();
      }, ms);
      timers.add(timer);
    },
    seen: () => rings,
    async wait(ms, { since = rings, ignoreRings = false } = {}) {
      if (rings !== since) return true;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const wakeUp = (): void => resolve(true);
      const timer = setTimeout(resolve, ms, false);
      if (!ignoreRings) sleepers.add(wakeUp);
      const rang = await promise;
      clearTimeout(timer);
      sleepers.delete(wakeUp);
      return rang;
    },
    onRing(listener) {
      sleepers.add(listener);
      return () => void sleepers.delete(listener);
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
