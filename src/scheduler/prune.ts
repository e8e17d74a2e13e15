// Forgets what we wrote ourselves and is older than it is kept: runs, raw records, events, dead letters, metrics by minute and hour.
// Bounded pieces, each a transaction, so a pass may end anywhere and several may run at once. Whole months are the partition
// keeper's (`partition-keeper.ts`).

import type { JobQueue } from '../../queues/port.ts';
import { QUEUES } from '../../queues/catalog.ts';
import type { Clock } from '../core/clock.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../core/duration.ts';
import { keptSince, type KeepPolicy, type KeptName } from '../core/keep-policy.ts';
import type { Database, Queryable } from '../db/database.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { pruneInbox } from '../store/inbox-upkeep.ts';
import { countOldMetrics, pruneMetrics, type FoldedPeriod } from '../store/metric-fold.ts';
import {
  countOldDeadJobs,
  countOldInbox,
  countOldQuarantine,
  countOldRuns,
  pruneQuarantine,
  pruneRuns,
} from '../store/old-rows.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface PruneDeps {
  /** Pool of the scheduler role. */
  readonly db: Database;
  readonly queue: Pick<JobQueue, 'clean'>;
  readonly clock: Clock;
}

/** One kind of thing that grows old. */
export interface Prunable {
  readonly name: KeptName;
  readonly table: string;
  /** What would go. Also in the scope of an operator. */
  readonly count: (db: Queryable, before: Date, now: Date) => Promise<number>;
  /** Forgets at most `limit`, the oldest; how many. */
  readonly prune: (deps: PruneDeps, before: Date, limit: number) => Promise<number>;
}

/** WhatsApp repeats an event for 7 days, Telegram for 1: until then its key must be known. */
const KEEP_DONE_MS = 8 * DAY_MS;

const doneBefore = (before: Date, now: Date): Date =>
  new Date(Math.max(before.getTime(), now.getTime() - KEEP_DONE_MS));

const floorTo = (at: Date, ms: number): Date => new Date(Math.floor(at.getTime() / ms) * ms);

/** Whole hours of minutes and whole days of hours, so that a longer period is told by one kind of rows or by the other. */
function metrics(name: KeptName, period: FoldedPeriod, wholeMs: number): Prunable {
  return {
    name,
    table: `platform_metrics (${period})`,
    count: (db, before) => countOldMetrics(db, period, floorTo(before, wholeMs)),
    prune: ({ db }, before, limit) => pruneMetrics(db, period, floorTo(before, wholeMs), limit),
  };
}

async function pruneDeadJobs({ queue }: PruneDeps, before: Date, limit: number): Promise<number> {
  let pruned = 0;
  for (const name of QUEUES) {
    if (pruned >= limit) break;
    pruned += await queue.clean({ queue: name, states: ['dead'], before, limit: limit - pruned });
  }
  return pruned;
}

export const PRUNABLES: readonly Prunable[] = [
  {
    name: 'runs',
    table: 'sync_logs',
    count: countOldRuns,
    prune: ({ db }, before, limit) => pruneRuns(db, before, limit),
  },
  {
    name: 'quarantine',
    table: 'sync_quarantine',
    count: countOldQuarantine,
    prune: ({ db }, before, limit) => pruneQuarantine(db, before, limit),
  },
  {
    name: 'inbox',
    table: 'webhook_inbox',
    count: (db, before, now) => countOldInbox(db, doneBefore(before, now), before),
    prune: ({ db, clock }, before, limit) =>
      pruneInbox(db, { doneBefore: doneBefore(before, clock.now()), othersBefore: before, limit }),
  },
  { name: 'dead_jobs', table: 'job_ledger', count: countOldDeadJobs, prune: pruneDeadJobs },
  metrics('metric_minutes', 'minute', HOUR_MS),
  metrics('metric_hours', 'hour', DAY_MS),
];

const EVERY_MS = 10 * MINUTE_MS;
const ROWS = 1_000;
/** Statements per kind and pass: what is left is there in ten minutes. */
const BATCHES = 100;

export interface PrunePass {
  readonly keep: KeepPolicy;
  readonly signal: AbortSignal;
  /** Per statement; default 1,000. */
  readonly rows?: number;
  /** Statements per kind; default 100. */
  readonly batches?: number;
}

export type PrunedRows = Readonly<Partial<Record<KeptName, number>>>;

/** One pass over all kinds; how many of each went. */
export async function pruneOldRows(
  deps: PruneDeps,
  { keep, signal, rows = ROWS, batches = BATCHES }: PrunePass,
): Promise<PrunedRows> {
  const pruned: Partial<Record<KeptName, number>> = {};
  for (const prunable of PRUNABLES) {
    const before = keptSince(keep, prunable.name, deps.clock.now());
    if (before === null) continue;
    let total = 0;
    for (let batch = 0; batch < batches && !signal.aborted; batch++) {
      const gone = await prunable.prune(deps, before, rows);
      total += gone;
      if (gone < rows) break;
    }
    pruned[prunable.name] = total;
  }
  return pruned;
}

export interface PrunerOptions extends PruneDeps {
  readonly log: EventLog;
  readonly keep: KeepPolicy;
}

export function createPruner(options: PrunerOptions): Loop {
  const { clock, log, keep } = options;
  const pass = async (signal: AbortSignal): Promise<void> => {
    const pruned = await pruneOldRows(options, { keep, signal });
    const went = Object.entries(pruned).filter(([, rows]) => rows > 0);
    if (went.length > 0) log.emit('old_rows.forgotten', Object.fromEntries(went));
  };
  return createLoop({ name: 'pruner', everyMs: EVERY_MS, pass, log, clock, jitter: 0.2 });
}
