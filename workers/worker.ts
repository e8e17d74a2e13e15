// The worker process: the only one that holds secret keys and the worker's login. Claims jobs of its queues, runs their
// handlers, and shows by a heartbeat off the event loop that it is alive.

import { QUEUES } from '../queues/catalog.ts';
import { createConsumer } from '../queues/consumer.ts';
import { createHistoryRecorder } from '../queues/history-recorder.ts';
import { CONNECTORS } from '../src/app/connectors.ts';
import { createDatabaseService } from '../src/app/database-service.ts';
import { createEngineRecord } from '../src/app/engine-record.ts';
import { openEngine } from '../src/app/engine.ts';
import { createHttpFor } from '../src/app/http-for.ts';
import { loadLiveKeys } from '../src/app/keys.ts';
import type { Config } from '../src/config/config.ts';
import { systemClock } from '../src/core/clock.ts';
import { SECOND_MS } from '../src/core/duration.ts';
import { AppError } from '../src/core/errors.ts';
import { EXIT_CONFIG } from '../src/lifecycle/exit-code.ts';
import type { Service } from '../src/lifecycle/service.ts';
import { createCredentialAccess } from '../src/sync/credential-access.ts';
import { createCredentialVault } from '../src/sync/credential-vault.ts';
import type { SyncRunDeps } from '../src/sync/runner.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import type { Metrics } from '../src/telemetry/metrics.ts';
import { createOpener } from '../src/vault/opener.ts';
import { createSealer } from '../src/vault/sealer.ts';
import { createReceivers, type ReceiversOptions } from '../src/webhooks/receivers.ts';
import { createHandlers, type HandlerDeps } from './handlers.ts';
import { createKeyWatch, workerKeysOf } from './key-watch.ts';
import { createLiveness, DECLARED_DEAD_EXIT_CODE } from './liveness.ts';

export interface WorkerOptions {
  readonly config: Config;
  readonly log: EventLog;
  readonly metrics: Metrics;
  /** Awaited at every step boundary of a page; for tests that stop the process there. */
  readonly onStep?: SyncRunDeps['onStep'];
}

export interface WorkerServices {
  readonly services: readonly Service[];
  /**
   * Resolves with the exit code when this worker was declared dead and must not go on under its name, or when the queue
   * was switched to another engine.
   */
  readonly ended: Promise<number>;
}

/** Handlers wait for HTTP most of the time: far fewer connections than jobs are enough. */
const POOL_SIZE = 16;
/** Accounts that one worker listens to, each with a question of its own under way. */
const MAX_RECEIVERS = 1_500;
/** Part of the process's drain that is left for handlers that had to be aborted, and for settling them. */
const ABORT_BUDGET_MS = 12 * SECOND_MS;

/** Its questions are long and many: they have connections of their own. */
function receiversOf(config: Config, deps: HandlerDeps & Pick<ReceiversOptions, 'queue' | 'workerId'>): Service {
  const { db, clock, log } = deps;
  return createReceivers({
    ...deps,
    httpFor: createHttpFor({ config, db, clock, log, maxSockets: MAX_RECEIVERS }),
    publicUrl: config.http.publicUrl,
    most: MAX_RECEIVERS,
  });
}

export async function createWorkerServices({ config, log, metrics, onStep }: WorkerOptions): Promise<WorkerServices> {
  const { url } = config.database;
  if (url === undefined) throw new AppError('config.invalid', 'expected DATABASE_URL with the worker’s login');
  const clock = systemClock;
  const keys = await loadLiveKeys(config, log);
  const sealer = createSealer(keys.publicKeys);
  const vault = createCredentialVault(sealer, createOpener(keys.secretKeys));
  const { db, service } = createDatabaseService({ role: 'tidemark_worker', url, poolSize: POOL_SIZE, log });
  const { driver, queue } = await openEngine({ config, db, directUrl: config.database.directUrl ?? url, clock, log });
  const { egressId, worker } = config;
  const refresh = { db, vault, clock, log, egressId };
  const deps: HandlerDeps = {
    ...refresh,
    queue,
    connectors: CONNECTORS,
    httpFor: createHttpFor({ config, db, clock, log }),
    credentials: (job) => createCredentialAccess(refresh, job),
    sealer,
    config: { sliceMs: worker.sliceMs, egressId, retention: config.retention, keep: config.keep },
    onRunEnd: (end) => metrics.runFinished(end),
    ...(onStep === undefined ? {} : { onStep }),
  };
  const ended = Promise.withResolvers<number>();
  const { engine } = config.queue;
  const record = createEngineRecord({ db, engine, log, onSwitched: () => ended.resolve(EXIT_CONFIG) });
  const liveness = createLiveness({
    databaseUrl: url,
    concurrency: worker.concurrency,
    engine,
    keys: () => workerKeysOf(keys),
    heartbeatMs: worker.heartbeatMs,
    maxBlockedMs: worker.maxBlockedMs,
    log,
    onDead: () => ended.resolve(DECLARED_DEAD_EXIT_CODE),
  });
  const keyWatch = createKeyWatch({ db, workerId: liveness.workerId, keys, log });
  const history = createHistoryRecorder({ db, clock, log });
  const receivers = receiversOf(config, { ...deps, queue, workerId: liveness.workerId });
  const consumer = createConsumer({
    workerId: liveness.workerId,
    queues: QUEUES,
    concurrency: worker.concurrency,
    db,
    driver,
    handlers: createHandlers(deps),
    clock,
    log,
    history,
    drainMs: Math.max(SECOND_MS, config.drainMs - ABORT_BUDGET_MS),
    onSettled: ({ kind, queue: name, verdict, waitedMs, durationMs }) =>
      metrics.jobFinished({ kind, queue: name, outcome: verdict, waitMs: waitedMs, runMs: durationMs }),
  });
  return {
    services: [service, record, driver, keyWatch, liveness, history, receivers, consumer],
    ended: ended.promise,
  };
}
