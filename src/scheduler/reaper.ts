// Takes over from workers that stopped answering. It judges by the database's clock, and nobody while its own view may be
// the broken one: after its own start, its own stall or its own database outage it first waits one TTL.
//
//   watching ──pass late or failed──► patient ──one TTL of good passes──► watching

import type { Clock } from '../core/clock.ts';
import { DAY_MS, HOUR_MS } from '../core/duration.ts';
import type { Database } from '../db/database.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { listGoneHolders, markWorkersDead, pruneWorkers, releaseHoldings, type LostWorker } from '../store/workers.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface ReaperOptions {
  /** Pool of the scheduler role. */
  readonly db: Database;
  readonly clock: Clock;
  readonly log: EventLog;
  /** Puts the active jobs of these workers back into the queue; number of jobs. Must be idempotent. */
  readonly takeOver: (workerIds: readonly string[]) => Promise<number>;
  /** A worker that was silent for longer is dead; default 2 s. */
  readonly leaseTtlMs?: number;
  /** Default 250 ms. */
  readonly everyMs?: number;
  /** Told of each worker that was declared dead. */
  readonly onDead?: (worker: LostWorker) => void;
}

const KEEP_GONE_WORKERS_MS = DAY_MS;

export interface Reaped {
  readonly dead: readonly LostWorker[];
  readonly jobs: number;
}

/** Declares silent workers dead and frees what gone ones hold. Without patience: `createReaper` has it. */
export async function reap(options: ReaperOptions): Promise<Reaped> {
  const { db, clock, log, takeOver, leaseTtlMs = 2_000, onDead } = options;
  // Four times a second, and nearly always in vain: single statements, not transactions.
  const dead = await markWorkersDead(db, leaseTtlMs);
  for (const worker of dead) {
    log.emit('worker.dead', { workerId: worker.id, hostname: worker.hostname, workerPid: worker.pid });
    onDead?.(worker);
  }
  // In a transaction of its own, and for all that are gone: a reaper that died half-way is made up for here, and a lease
  // that was being acquired while its worker was declared dead is ended too.
  const gone = await listGoneHolders(db, 5 * leaseTtlMs);
  if (gone.length === 0) return { dead, jobs: 0 };
  await db.tx({ kind: 'none' }, (tx) => releaseHoldings(tx, gone, clock.now()));
  return { dead, jobs: await takeOver(gone) };
}

export function createReaper(options: ReaperOptions): Loop {
  const { db, clock, log, leaseTtlMs = 2_000, everyMs = 250 } = options;
  let lastPassAt: number | undefined;
  let patientUntil = clock.mono() + leaseTtlMs;
  let pruneAt = clock.mono() + HOUR_MS;
  const pass = async (): Promise<void> => {
    const startedAt = clock.mono();
    const stalled = lastPassAt === undefined || startedAt - lastPassAt > everyMs + leaseTtlMs / 2;
    if (stalled) patientUntil = startedAt + leaseTtlMs;
    lastPassAt = startedAt;
    try {
      if (startedAt < patientUntil) await db.query('select');
      else await reap(options);
      if (startedAt >= pruneAt) {
        await pruneWorkers(db, KEEP_GONE_WORKERS_MS);
        pruneAt = startedAt + HOUR_MS;
      }
    } catch (error) {
      patientUntil = clock.mono() + leaseTtlMs;
      throw error;
    }
  };
  const backoff = { baseMs: everyMs, capMs: leaseTtlMs / 2 };
  return createLoop({ name: 'worker-reaper', everyMs, pass, log, clock, backoff });
}
