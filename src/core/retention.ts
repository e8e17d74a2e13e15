// How long copies of what belongs to a platform are kept, and the times that follow from it.

import { HOUR_MS, MINUTE_MS } from './duration.ts';
import type { PlatformId } from './platforms.ts';

/** Milliseconds by platform; a platform that is absent has nothing erased. */
export type RetentionLimits = Readonly<Partial<Record<PlatformId, number>>>;

/** A copy is gone by its limit and a twenty-fourth of it: 25 hours for 24. */
const PASSES_PER_LIMIT = 24;
/** Seeing an unchanged copy again is worth a write only when it is this much of its limit old. */
const NOTES_PER_LIMIT = 12;

/** How often each user's copies are looked through; null: never, because no platform has a limit. */
export function passEveryMs(limits: RetentionLimits): number | null {
  const shortest = Math.min(...Object.values(limits));
  return Number.isFinite(shortest) ? Math.min(HOUR_MS, Math.max(MINUTE_MS, shortest / PASSES_PER_LIMIT)) : null;
}

/** Copies last seen before this are expired. */
export function expiredBefore(limitMs: number, now: Date): Date {
  return new Date(now.getTime() - limitMs);
}

/** An unchanged copy last seen before this is noted as seen when it comes again. */
export function noteBefore(limitMs: number, now: Date): Date {
  return new Date(now.getTime() - limitMs / NOTES_PER_LIMIT);
}
