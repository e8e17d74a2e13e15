// Notices when jobs are due, hands are free, and nothing comes: the connections to the engine are then thrown away and made
// anew. A client that reconnected into silence looks alive to everybody else.

import type { Clock } from '../src/core/clock.ts';
import type { Database } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import { createLoop, type Loop } from '../src/lifecycle/loop.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import type { ControlsCache } from './controls.ts';
import type { EngineDriver } from './driver.ts';
import type { Lane } from './lane.ts';

export interface ClaimWatchdogOptions {
  readonly db: Database;
  readonly driver: EngineDriver;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly controls: ControlsCache;
  readonly lanes: readonly Pick<Lane, 'queues' | 'idleMs'>[];
  /** So long nothing may come while something is due. */
  readonly patienceMs: number;
}

/** Due for so long, and in the engine for so long: a job that was just put back is no sign of anything. */
const BACKLOG = sql`
select exists (
  select
  from job_ledger
  where state = 'admitted'
    and admitted_at < $2
    and run_at < $2
    and queue = any($1::text[])
) as stuck`;

/** Runs beside the lanes; a lane that is busy, or whose queues somebody controls, costs no question. */
export function createClaimWatchdog(options: ClaimWatchdogOptions): Loop {
  const { db, driver, clock, log, controls, lanes, patienceMs } = options;
  let rebuiltAt = -Infinity;
  return createLoop({
    name: 'claim-watchdog',
    everyMs: patienceMs / 2,
    async pass() {
      const controlled = await controls.read();
      const idle = lanes.filter(({ idleMs }) => idleMs > patienceMs && clock.mono() - rebuiltAt > patienceMs);
      const queues = idle.flatMap((lane) => lane.queues.filter((queue) => !controlled.has(queue)));
      if (queues.length === 0) return;
      const before = new Date(clock.now().getTime() - patienceMs);
      const { rows } = await db.tx({ kind: 'ops' }, (tx) => tx.query<{ stuck: boolean }>(BACKLOG, [queues, before]));
      if (rows[0]?.stuck !== true) return;
      rebuiltAt = clock.mono();
      log.emit('engine.rebuilt', { engine: driver.engine, queues });
      await driver.rebuild();
    },
    log,
    clock,
  });
}
