// Looks now and then for tables and indexes that grow without their rows: a person decides what is done.

import type { Clock } from '../core/clock.ts';
import { HOUR_MS } from '../core/duration.ts';
import type { Queryable } from '../db/database.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { findBloat, type BloatLimits } from '../store/bloat.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface BloatWatchDeps {
  readonly db: Queryable;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly limits?: BloatLimits;
}

const EVERY_MS = 6 * HOUR_MS;

export function createBloatWatch({ db, clock, log, limits }: BloatWatchDeps): Loop {
  return createLoop({
    name: 'bloat-watch',
    everyMs: EVERY_MS,
    async pass() {
      for (const bloated of await findBloat(db, limits)) log.emit('table.bloated', { ...bloated });
    },
    log,
    clock,
    jitter: 0.2,
  });
}
