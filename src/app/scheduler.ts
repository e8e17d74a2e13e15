// Everything of the scheduler role, in the order in which it starts. Several processes may run all of this at once.

import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Secret } from '../core/secret.ts';
import type { Service } from '../lifecycle/service.ts';
import { createDayCloser } from '../scheduler/day-closer.ts';
import { createDoorPruner } from '../scheduler/door-pruner.ts';
import { createBloatWatch } from '../scheduler/bloat-watch.ts';
import { createConvergence } from '../scheduler/convergence.ts';
import { createGrantWatch } from '../scheduler/grant-watch.ts';
import { createAccountProver } from '../scheduler/account-prover.ts';
import { createInboxSweep } from '../scheduler/inbox-sweep.ts';
import { createMetricFolder } from '../scheduler/metric-folder.ts';
import { createPartitionKeeper } from '../scheduler/partition-keeper.ts';
import { createPruner } from '../scheduler/prune.ts';
import { createReaper } from '../scheduler/reaper.ts';
import { createRefreshAhead } from '../scheduler/refresh-ahead.ts';
import { createRetention } from '../scheduler/retention.ts';
import { createRoller } from '../scheduler/rollers.ts';
import { createSchedulerTick } from '../scheduler/tick.ts';
import { createWatchdog } from '../scheduler/watchdog.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createAdmission } from '../../queues/admission.ts';
import {
  createAdmissionLoop,
  createHistoryPruner,
  createJobLogPruner,
  createMaintenanceLoop,
  createReconcileLoop,
} from '../../queues/loops.ts';
import { createQueueAgeSampler } from '../../queues/queue-age.ts';
import { createReconciler } from '../../queues/reconcile.ts';
import { costOf, GRANT_IDLE_MS, SELF_NAMED } from './connectors.ts';
import { createDatabaseService } from './database-service.ts';
import { createEngineRecord } from './engine-record.ts';
import { openEngine } from './engine.ts';

export interface SchedulerOptions {
  readonly config: Config;
  /** The scheduler's login. */
  readonly url: Secret;
  /** Past a pooler, for LISTEN. */
  readonly directUrl: Secret;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly metrics: Metrics;
  /** The queue was switched to another engine: the process must end. */
  readonly onSwitched: () => void;
}

const POOL_SIZE = 8;

export async function createSchedulerServices({
  config,
  url,
  directUrl,
  clock,
  log,
  metrics,
  onSwitched,
}: SchedulerOptions): Promise<readonly Service[]> {
  const { db, service } = createDatabaseService({ role: 'tidemark_scheduler', url, poolSize: POOL_SIZE, log });
  const { driver, queue } = await openEngine({ config, db, directUrl, clock, log, supervise: true });
  const admission = createAdmission({ db, driver, clock, log });
  const reconciler = createReconciler({ db, driver, clock, log });
  const deps = { db, queue, clock, log, costOf };
  return [
    service,
    // Processes with different queue engines would not see each other's jobs.
    createEngineRecord({ db, engine: config.queue.engine, log, onSwitched }),
    driver,
    createReaper({
      db,
      clock,
      log,
      leaseTtlMs: config.worker.leaseTtlMs,
      takeOver: async (workerIds) => (await reconciler.takeOver(workerIds)).requeued,
    }),
    createSchedulerTick({ ...deps, everyMs: config.scheduler.tickMs }),
    createAdmissionLoop({ admission, driver, clock, log }),
    createReconcileLoop({ reconciler, clock, log }),
    createMaintenanceLoop({ driver, clock, log }),
    createJobLogPruner({ db, clock, log }),
    createHistoryPruner({ db, clock, log }),
    createQueueAgeSampler({ db, driver, clock, log }),
    createDoorPruner({ db, clock, log }),
    createConvergence(deps),
    createRoller(deps),
    createAccountProver({ ...deps, platforms: SELF_NAMED }),
    createDayCloser({ db, clock, log }),
    createInboxSweep(deps),
    createRefreshAhead(deps),
    createRetention({ ...deps, limits: config.retention, sealsDays: config.keep.messages !== null }),
    createMetricFolder({ db, clock, log }),
    createPartitionKeeper({ db, clock, log, keep: config.keep }),
    createPruner({ db, queue, clock, log, keep: config.keep }),
    createBloatWatch({ db, clock, log }),
    createGrantWatch({ db, clock, log, grantIdleMs: GRANT_IDLE_MS }),
    createWatchdog({
      db,
      clock,
      log,
      onOverdue: ([oldest]) =>
        metrics.schedulerLag(oldest === undefined ? 0 : clock.now().getTime() - oldest.nextSyncAt.getTime()),
    }),
  ];
}
