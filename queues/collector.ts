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
}

export function createCollector<T>({ maxSize, lanes, flush }: CollectorOptions<T>): Collector<T> {
  let waiting: T[] = [];
  let busy = 0;
  let isPlanned = false;

  function begin(): void {
    isPlanned = false;
    while (waiting.length > 0 && busy < lanes) {
      const group = waiting.slice(0, maxSize);
      waiting = waiting.slice(maxSize);
      busy += 1;
      void flush(group).finally(() => {
        busy -= 1;
        plan();
      });
    }
  }

  /** After the current turn, so that everything that comes in it is one group. */
  function plan(): void {
    if (isPlanned || waiting.length === 0 || busy >= lanes) return;
    isPlanned = true;
    setImmediate(begin);
  }

  return {
    push(item) {
      waiting.push(item);
      plan();
    },
  };
}
