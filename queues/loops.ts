// The loops that keep ledger and engine in step and the engine tidy, as a scheduler runs them. Several processes may run
// all of them.

import { DAY_MS, MINUTE_MS, SECOND_MS } from '../src/core/duration.ts';
import type { Clock } from '../src/core/clock.ts';
import type { Database } from '../src/db/database.ts';
import { createLoop, type Loop } from '../src/lifecycle/loop.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import type { Admission } from './admission.ts';
import { createAlarm } from './alarm.ts';
import type { EngineDriver } from './driver.ts';
import { pruneHistory, pruneHistoryWriters } from './history-upkeep.ts';
import { pruneJobLogs } from './job-log.ts';
import type { Reconciler } from './reconcile.ts';

interface LoopDeps {
  readonly clock: Clock;
  readonly log: EventLog;
}

const ADMIT_EVERY_MS = SECOND_MS / 2;
const LOOK_EVERY_MS = SECOND_MS;
/** Every so many looks everything admitted is compared with the engine. */
const COMPARE_EVERY = 5;
const KEEP_JOB_LOGS_MS = 7 * DAY_MS;

/** Admits what is due: when somebody asks for it, when a job's time comes, and at the latest after half a second. */
export function createAdmissionLoop({
  admission,
  driver,
  clock,
  log,
}: LoopDeps & { readonly admission: Admission; readonly driver: EngineDriver }): Loop {
  const alarm = createAlarm();
  return createLoop({
    name: 'admission',
    everyMs: ADMIT_EVERY_MS,
    async pass(signal) {
      const { isDue, nextInMs } = await admission.outlook();
      // A later one is seen by a later look.
      if (nextInMs !== null && nextInMs < ADMIT_EVERY_MS) alarm.ringIn(nextInMs);
      if (isDue) await admission.admitDue({ signal });
    },
    onWake(wake) {
      const forgetWake = driver.onWake((reason) => {
        if (reason === 'admission') wake();
      });
      const forgetAlarm = alarm.onRing(wake);
      return () => {
        forgetWake();
        forgetAlarm();
        alarm.close();
      };
    },
    log,
    clock,
  });
}

/** Puts back what the engine lost: within a second after it lost everything, otherwise within a few. */
export function createReconcileLoop({ reconciler, clock, log }: LoopDeps & { readonly reconciler: Reconciler }): Loop {
  let looks = 0;
  return createLoop({
    name: 'reconciler',
    everyMs: LOOK_EVERY_MS,
    async pass(signal) {
      const isWiped = await reconciler.wasWiped();
      if (isWiped || looks++ % COMPARE_EVERY === 0) await reconciler.restoreLost(signal);
    },
    log,
    clock,
  });
}

/** What the engine does not do by itself: retention above all. */
export function createMaintenanceLoop({ driver, clock, log }: LoopDeps & { readonly driver: EngineDriver }): Loop {
  return createLoop({
    name: 'engine-maintenance',
    everyMs: MINUTE_MS,
    pass: (signal) => driver.maintain(signal),
    log,
    clock,
  });
}

/** Lines per statement, and statements per pass: what is left is there in a minute. */
const PRUNE_LINES = 5_000;
const PRUNE_BATCHES = 20;

/** Forgets what jobs said a week ago. */
export function createJobLogPruner({ db, clock, log }: LoopDeps & { readonly db: Database }): Loop {
  return createLoop({
    name: 'job-log-pruner',
    everyMs: MINUTE_MS,
    async pass(signal) {
      const before = new Date(clock.now().getTime() - KEEP_JOB_LOGS_MS);
      for (let batch = 0; batch < PRUNE_BATCHES && !signal.aborted; batch++)
        if ((await pruneJobLogs(db, before, PRUNE_LINES)) < PRUNE_LINES) return;
    },
    log,
    clock,
  });
}

const PRUNE_PERIODS = 2_000;
const KEEP_WRITERS_MS = DAY_MS;

/** Forgets the history of queues beyond what is kept. */
export function createHistoryPruner({ db, clock, log }: LoopDeps & { readonly db: Database }): Loop {
  return createLoop({
    name: 'queue-history-pruner',
    everyMs: MINUTE_MS,
    async pass(signal) {
      const now = clock.now();
      await pruneHistoryWriters(db, new Date(now.getTime() - KEEP_WRITERS_MS));
      for (let batch = 0; batch < PRUNE_BATCHES && !signal.aborted; batch++)
        if (!(await pruneHistory(db, now, PRUNE_PERIODS))) return;
    },
    log,
    clock,
  });
}
