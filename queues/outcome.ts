// What a handler may answer besides throwing. A thrown AppError goes through `decide` (src/core/retry.ts).

export type Outcome =
  | { readonly kind: 'completed'; readonly result?: unknown }
  /** Again after `delayMs`, without spending an attempt. */
  | { readonly kind: 'snooze'; readonly delayMs: number; readonly reason: string }
  /** Settled quietly: someone else won, or there is nothing left to do. */
  | { readonly kind: 'discard'; readonly reason: string };

export const completed = (result?: unknown): Outcome => ({ kind: 'completed', result });
export const snooze = (delayMs: number, reason: string): Outcome => ({ kind: 'snooze', delayMs, reason });
export const discard = (reason: string): Outcome => ({ kind: 'discard', reason });
