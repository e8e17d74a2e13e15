// The named ways in which Wildberries differs from what a client would hope. Read at every request, so a test may switch one in
// the middle of a run: `sim.traps.statisticsCap = 3`.

export interface WildberriesTraps {
  /** Rows of one answer of statistics; more are cut off. */
  statisticsCap: number;
  /** A page of claims, cards or prices says in HTTP 200 that it failed, so many times. */
  errorsInside: number;
  /** The list of FBS orders gives the same `next` for ever. */
  fbsNextRepeats: boolean;
  /** The list of cards gives the same place for ever. */
  cardsCursorRepeats: boolean;
  /** Statuses of FBS orders are left out of the answer. */
  fbsStatuses: 'all' | 'none';
  /** Paths that are gone. */
  readonly gone: Set<string>;
  /** Answers 461: the seller is blocked for a while. */
  blocked: boolean;
  /** Answers 402 to service tokens: the bill is not paid. */
  unpaid: boolean;
}

export const defaultTraps = (): WildberriesTraps => ({
  statisticsCap: 80_000,
  errorsInside: 0,
  fbsNextRepeats: false,
  cardsCursorRepeats: false,
  fbsStatuses: 'all',
  gone: new Set(),
  blocked: false,
  unpaid: false,
});
