// What an operator sees of the queue's engine, and the switch to the other one with both engines at hand. The switch works
// with the scheduler's login: nobody else may change what is recorded.

import type { Config } from '../config/config.ts';
import { systemClock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { otherEngine, type QueueEngine } from '../core/queue-engines.ts';
import { openDatabase, type Database } from '../db/database.ts';
import { reap } from '../scheduler/reaper.ts';
import { readEngine, recordEngine } from '../store/settings.ts';
import { countWorkersByEngine, listWorkersOffEngine, SILENT_MS } from '../store/workers.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { EngineDriver } from '../../queues/driver.ts';
import { countByState } from '../../queues/ledger-pages.ts';
import type { LedgerState } from '../../queues/ledger.ts';
import type { Moved } from '../../queues/move-jobs.ts';
import { createReconciler, type ReconcilerDeps } from '../../queues/reconcile.ts';
import { switchEngine, type SwitchProgress } from '../../queues/switch-engine.ts';
import { openDriver } from './engine.ts';
import type { DatabaseSession } from './session.ts';

const POOL_SIZE = 4;
/** Of a hundred workers each. What is left after so many is taken over on the new engine. */
const MAX_PASSES = 100;

export interface EngineStatus {
  /** Null before the first start. */
  readonly recorded: QueueEngine | null;
  readonly configured: QueueEngine;
  readonly workers: readonly { readonly engine: string | null; readonly alive: number }[];
  readonly ledger: Readonly<Record<LedgerState, number>>;
}

export async function engineStatus({ queue }: Config, { api }: DatabaseSession): Promise<EngineStatus> {
  return {
    recorded: await readEngine(api),
    configured: queue.engine,
    workers: await countWorkersByEngine(api, SILENT_MS),
    ledger: await api.tx({ kind: 'ops' }, (tx) => countByState(tx)),
  };
}

export interface SwitchOptions {
  readonly config: Config;
  readonly session: DatabaseSession;
  readonly target: QueueEngine;
  readonly timeoutMs: number;
  readonly log: EventLog;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: SwitchProgress) => void;
}

/** Throws `config.invalid` when this login may not act as the scheduler. */
async function assertScheduler(db: Database): Promise<void> {
  try {
    await db.tx({ kind: 'none' }, (tx) => tx.query('select'));
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'db.forbidden') throw error;
    throw new AppError(
      'config.invalid',
      'a switch needs the login of the scheduler: set SCHEDULER_DATABASE_URL beside DATABASE_URL',
      { cause: error },
    );
  }
}

async function stragglersOf(db: Database, target: QueueEngine): Promise<readonly string[]> {
  const workers = await listWorkersOffEngine(db, target, SILENT_MS);
  return workers.map(({ hostname, pid }) => `${hostname} (process ${pid})`);
}

/** What a scheduler on this engine does all day, until there is nothing left to do. */
export async function takeOverFromDead(deps: Pick<ReconcilerDeps, 'db' | 'driver' | 'clock' | 'log'>): Promise<void> {
  const reconciler = createReconciler({ ...deps, graceMs: 0 });
  const takeOver = async (workerIds: readonly string[]) => (await reconciler.takeOver(workerIds)).requeued;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const { dead, jobs } = await reap({ ...deps, leaseTtlMs: SILENT_MS, takeOver });
    if (dead.length + jobs === 0) return;
  }
}

/** Both engines must answer before anything is recorded. */
async function withStarted<T>(drivers: readonly EngineDriver[], work: () => Promise<T>): Promise<T> {
  const started: EngineDriver[] = [];
  try {
    for (const driver of drivers) {
      await driver.start();
      started.push(driver);
    }
    return await work();
  } finally {
    for (const driver of started.toReversed()) await driver.stop();
  }
}

/** Throws `config.invalid`, `queue.engine_busy` and what the engines throw; run again, it goes on where it was. */
export async function runSwitch(options: SwitchOptions): Promise<Moved> {
  const { config, session, target, timeoutMs, log, signal, onProgress } = options;
  if (config.queue.redisUrl === undefined) {
    throw new AppError(
      'config.invalid',
      'a switch reads from one engine and writes to the other: set REDIS_URL for it, in both directions',
    );
  }
  const url = session.urls.of('tidemark_scheduler');
  const db = openDatabase({ url, role: 'tidemark_scheduler', poolSize: POOL_SIZE });
  try {
    await assertScheduler(db);
    const from = await openDriver(otherEngine(target), { config, db, log });
    const to = await openDriver(target, { config, db, log });
    const deps = { from, to, db, clock: systemClock, log, signal, timeoutMs, onProgress };
    return await withStarted([from, to], () =>
      switchEngine({
        ...deps,
        record: () => recordEngine(db, target),
        stragglers: () => stragglersOf(db, target),
        takeOver: () => takeOverFromDead({ ...deps, driver: from }),
      }),
    );
  } finally {
    await db.close();
  }
}
