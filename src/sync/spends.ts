// Tokens that are being spent while a run ends. A stopped run no longer waits for its requests, but a new pair that comes
// back can be stored under the run's lease only, and lives nowhere else.

export interface Spends {
  /** `work` resolves or rejects when what it spent is stored, or certainly is not. */
  add(work: Promise<unknown>): void;
  /** Resolves when all of them have ended; each is bounded by its own time limits. */
  settled(): Promise<void>;
}

export function createSpends(): Spends {
  const open = new Set<Promise<unknown>>();
  return {
    add(work) {
      open.add(work);
      const forget = (): void => void open.delete(work);
      // Its error belongs to whoever asked for the refresh.
      work.then(forget, forget);
    },
    async settled() {
      await Promise.allSettled(open);
    },
  };
}
