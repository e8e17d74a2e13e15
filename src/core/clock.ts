// Time as a dependency. `now` is the wall clock and may jump; `mono` only grows and measures elapsed time.

export interface Clock {
  /** Wall clock, UTC. */
  now(): Date;
  /** Milliseconds since some fixed instant; only differences mean anything. */
  mono(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  mono: () => performance.now(),
};
