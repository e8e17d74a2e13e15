// Gathers what comes in one by one and hands it on in groups: whatever arrives while a group is being written is the next
// one. So a quiet queue waits for nothing, and a busy one pays for a round trip once a group.

export interface CollectorOptions<T> {
  readonly maxSize: number;
  /** Groups that may be on their way at once. */
  readonly lanes: number;
  /** Handles its own failures. */
  readonly flush: (group: readonly T[]) => Promise<void>;
}

export interface Collector<T> {
  push(item: T): void;
  /** Items that wait for their group. */
  readonly waiting: number;
  /** Resolves when nothing waits and nothing is on its way. */
  idle(): Promise<void>;
}

export function createCollector<T>({ maxSize, lanes, flush }: CollectorOptions<T>): Collector<T> {
  let waiting: T[] = [];
  let isPlanned = false;
  const flushing = new Set<Promise<void>>();
  const idlers = new Set<() => void>();

  function begin(): void {
    isPlanned = false;
    while (waiting.length > 0 && flushing.size < lanes) {
      const group = waiting.slice(0, maxSize);
      waiting = waiting.slice(maxSize);
      const flushed = flush(group).finally(() => {
        flushing.delete(flushed);
        plan();
      });
      flushing.add(flushed);
    }
  }

  /** After the current turn, so that everything that comes in it is one group. */
  function plan(): void {
    if (waiting.length === 0 && flushing.size === 0) for (const tell of idlers) tell();
    if (isPlanned || waiting.length === 0 || flushing.size >= lanes) return;
    isPlanned = true;
    setImmediate(begin);
  }

  return {
    push(item) {
      waiting.push(item);
      plan();
    },
    get waiting() {
      return waiting.length;
    },
    async idle() {
      if (waiting.length === 0 && flushing.size === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      idlers.add(resolve);
      await promise;
      idlers.delete(resolve);
    },
  };
}
