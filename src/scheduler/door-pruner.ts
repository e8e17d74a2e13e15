// Forgets what the HTTP doors keep for a while: answers under idempotency keys after a day, browser sessions after their end,
// addresses that guessed after two quiet days.

import type { Clock } from '../core/clock.ts';
import { DAY_MS, MINUTE_MS } from '../core/duration.ts';
import type { Database } from '../db/database.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { pruneSessions } from '../store/console-sessions.ts';
import { pruneGuesses } from '../store/door-guesses.ts';
import { pruneIdempotencyKeys } from '../store/idempotency-keys.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface DoorPrunerDeps {
  /** Pool of the scheduler role. */
  readonly db: Database;
  readonly clock: Clock;
  readonly log: EventLog;
}

/** Rows per statement, and statements per pass: what is left is there in ten minutes. */
const ROWS = 5_000;
const BATCHES = 20;
const EVERY_MS = 10 * MINUTE_MS;
/** As long as an answer is given again (`src/api/idempotency.ts`). */
const KEEP_ANSWERS_MS = DAY_MS;
/** Longer than what an address did counts (`src/api/guesses.ts`). */
const KEEP_GUESSES_MS = 2 * DAY_MS;

async function inBatches(prune: () => Promise<number>, signal: AbortSignal): Promise<void> {
  for (let batch = 0; batch < BATCHES && !signal.aborted; batch++) if ((await prune()) < ROWS) return;
}

export function createDoorPruner({ db, clock, log }: DoorPrunerDeps): Loop {
  return createLoop({
    name: 'door-pruner',
    everyMs: EVERY_MS,
    async pass(signal) {
      const now = clock.now();
      await inBatches(() => pruneIdempotencyKeys(db, new Date(now.getTime() - KEEP_ANSWERS_MS), ROWS), signal);
      await inBatches(() => pruneSessions(db, now, ROWS), signal);
      await inBatches(() => pruneGuesses(db, new Date(now.getTime() - KEEP_GUESSES_MS), ROWS), signal);
    },
    log,
    clock,
  });
}
