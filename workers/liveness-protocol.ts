// What the main thread and the liveness thread say to each other.

import type { NewWorker } from '../src/store/workers.ts';

export interface LivenessThreadOptions {
  readonly worker: NewWorker;
  /** Of the worker role. Never logged. */
  readonly databaseUrl: string;
  /** Int32Array of one: the main thread adds one every `tickMs` while its event loop turns. */
  readonly ticks: SharedArrayBuffer;
  readonly heartbeatMs: number;
  readonly maxBlockedMs: number;
}

/** From the thread. `dead`: the row is no longer alive, nothing may be written any more. */
export type LivenessReport =
  | { readonly kind: 'registered' }
  | { readonly kind: 'blocked'; readonly blockedMs: number }
  | { readonly kind: 'unreachable'; readonly message: string }
  | { readonly kind: 'reachable' }
  | { readonly kind: 'dead' };

/** To the thread. */
export type LivenessCommand = 'stop';
