// One of the things that a round of the queue case measures beside each other.

export interface Side {
  /** Adds `count` jobs in one call. */
  insert(count: number): Promise<unknown>;
  /** Adds one. */
  send(): Promise<unknown>;
  /** Milliseconds from the start of a worker until `count` waiting jobs are done and stored as done. */
  work(count: number): Promise<number>;
  close(): Promise<void>;
}

/** Resolves after so many calls of `one`. */
export function countdown(count: number): { readonly one: () => void; readonly done: Promise<void> } {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  let left = count;
  const one = (): void => {
    if (--left === 0) resolve();
  };
  return { one, done };
}
