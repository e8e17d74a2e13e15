// What becomes of a due stream: whether a run begins, of which kind, and when the stream is due again. Pure.

import { MINUTE_MS } from '../core/duration.ts';
import { toAppError, type AppError } from '../core/errors.ts';
import type { DueStream } from '../store/due-streams.ts';
import type { RunTrigger, PassType } from '../store/runs.ts';
import { nextFire } from './next-fire.ts';

/** A fire that is later than this is called a catch-up. */
const LATE_MS = 5 * MINUTE_MS;

export type DueDecision =
  | { readonly kind: 'run'; readonly syncType: PassType; readonly trigger: RunTrigger; readonly next: Date }
  /** Paused or not connected: this fire passes without a run, the place in time is kept. */
  | { readonly kind: 'pass'; readonly next: Date }
  /** The stored schedule cannot be read. */
  | { readonly kind: 'unreadable'; readonly error: AppError };

/** However many fires were missed, one run makes up for all of them: the next fire is counted from `now`. */
export function decideDue(stream: DueStream, now: Date): DueDecision {
  let next: Date;
  try {
    next = nextFire(stream, stream.spreadSeconds, now);
  } catch (error) {
    return { kind: 'unreadable', error: toAppError(error) };
  }
  if (stream.isPaused || stream.integrationStatus !== 'connected') return { kind: 'pass', next };
  const isLate = stream.nextSyncAt !== null && now.getTime() - stream.nextSyncAt.getTime() > LATE_MS;
  return {
    kind: 'run',
    syncType: stream.hasCursor ? 'incremental' : 'full',
    trigger: isLate ? 'catch_up' : 'schedule',
    next,
  };
}
