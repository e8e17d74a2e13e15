// The half-open breaker of one credential as arithmetic: after some failures in a row nobody asks for a while, then one
// request at a time tries. It must never be shared by credentials: one bad account does not stop its neighbours.
//
//   closed ──failures in a row──▶ open ──time──▶ half-open: one probe ──ok──▶ closed
//                                  ▲                        │
//                                  └──── failed, twice as long ◀

import type { BreakerRule } from './governor.ts';

/** A probe that reports nothing (its worker died) blocks the next one for this long. */
export const PROBE_MS = 30_000;
/** Doublings of the open time, at most. */
export const MAX_DOUBLINGS = 5;

export interface BreakerState {
  readonly failures: number;
  /** Null: closed. In the past: half-open. */
  readonly breakerUntilMs: number | null;
  readonly probing: boolean;
}

export const CLOSED: BreakerState = { failures: 0, breakerUntilMs: null, probing: false };

/** State after a grant: whoever passes a half-open breaker is the probe. */
export function afterGrant(state: BreakerState, nowMs: number): BreakerState {
  return state.breakerUntilMs === null ? state : { ...state, breakerUntilMs: nowMs + PROBE_MS, probing: true };
}

/** State after a failure. Late failures of requests that left before the breaker opened change nothing. */
export function afterFailure(state: BreakerState, rule: BreakerRule, nowMs: number): BreakerState {
  const isOpen = state.breakerUntilMs !== null && state.breakerUntilMs > nowMs;
  if (isOpen && !state.probing) return state;
  const failures = Math.min(state.failures + 1, rule.failures + MAX_DOUBLINGS);
  if (failures < rule.failures) return { ...state, failures };
  return { failures, breakerUntilMs: nowMs + rule.openMs * 2 ** (failures - rule.failures), probing: false };
}
