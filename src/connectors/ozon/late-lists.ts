// Reviews and questions: lists by the day of writing, while what happens to a row later is sorted by nothing. So an increment reads
// the last weeks again.

import { DAY_MS } from '../../core/duration.ts';
import type { Plan } from '../contract/stream.ts';

/** How long after it was written a row may still change without our missing it. */
const CHANGING_MS = 60 * DAY_MS;

/** From when on a pass reads; null: everything. */
export function readFrom({ since, until, type }: Plan<unknown>): string | null {
  if (since === null) return null;
  const from = type === 'backfill' ? since : new Date(Math.min(since.getTime(), until.getTime() - CHANGING_MS));
  return from.toISOString();
}
