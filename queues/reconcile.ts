// What keeps ledger and engine one: jobs that the engine lost are added again, jobs of dead workers go back at once. Both
// are safe to run anywhere, at any time, by several processes.

import type { Clock } from '../src/core/clock.ts';
import { SECOND_MS } from '../src/core/duration.ts';
import type { Database, Tx } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import type { EngineDriver } from './driver.ts';
import { engineJobOf, LEDGER_COLUMNS, type LedgerRow } from './ledger.ts';
import { FIRST_ID } from './ledger-pages.ts';
import { freeClaims, reportTakeover, takeOverBatch } from './take-over.ts';

export interface ReconcilerDeps {
  readonly db: Database;
  readonly driver: EngineDriver;
  readonly clock: Clock;
  readonly log: EventLog;
  /** An admitted job younger than this may still be on its way into the engine. Default 5 s. */
  readonly graceMs?: number;
}

export interface Takeover {
  /** Jobs put back into the queue. */
  readonly requeued: number;
  /** Jobs that killed too many workers and went to the dead letter. */
  readonly poisoned: number;
}

export interface Reconciler {
  /**
   * Adds admitted jobs that the engine does not hold, and frees what it holds for workers that are gone. Answers how many
   * were added. After the engine has lost everything nothing is waited for.
   */
  restoreLost(signal?: AbortSignal): Promise<number>;
  /** Whether the engine has lost what it held since the last question; then `restoreLost` is due at once. */
  wasWiped(): Promise<boolean>;
  /** Takes all jobs out of the hands of these workers; no attempt is spent. */
  takeOver(workerIds: readonly string[]): Promise<Takeover>;
}

const BATCH_SIZE = 1_000;

const LOCK_ADMITTED = sql`
select ${LEDGER_COLUMNS}
from job_ledger l
where l.state = 'admitted' and l.admitted_at < $1 and l.id > $2
order by l.id
limit $3
for update skip locked`;

const GONE_WORKERS = sql`
select id
from workers
where status <> 'alive'
order by stopped_at desc
limit 1000`;

async function restoreBatch(deps: ReconcilerDeps, tx: Tx, { after, before }: { after: string; before: Date }) {
  const { driver } = deps;
  const { rows } = await tx.query<LedgerRow>(LOCK_ADMITTED, [before, after, BATCH_SIZE]);
  const missing = new Set(await driver.missing(rows, { tx }));
  const lost = rows.filter(({ id }) => missing.has(id));
  // With its own start time: a snoozed job that was lost still sleeps.
  const putBacks = lost.map((row) => ({ job: engineJobOf(row), token: null, runAt: row.runAt }));
  await driver.putBack(putBacks, { tx });
  return { lost, last: rows.length < BATCH_SIZE ? undefined : rows.at(-1)?.id };
}

/** Everything admitted before `before`, batch by batch; number of jobs added. */
async function restoreAll(deps: ReconcilerDeps, before: Date, signal: AbortSignal | undefined): Promise<number> {
  const { db, log } = deps;
  let restored = 0;
  let after: string | undefined = FIRST_ID;
  while (after !== undefined) {
    if (signal?.aborted === true) break;
    const from: string = after;
    const { lost, last } = await db.tx({ kind: 'ops' }, (tx) => restoreBatch(deps, tx, { after: from, before }));
    for (const { id, kind, queue } of lost) log.emit('job.lost_restored', { jobId: id, kind, queue });
    restored += lost.length;
    after = last;
  }
  return restored;
}

/** None while the engine is away: `restoreLost` comes back to them, and the ledger's part must not wait. */
async function heldByGone({ driver, log }: ReconcilerDeps, workerIds: readonly string[]) {
  try {
    return await driver.heldBy(workerIds, BATCH_SIZE);
  } catch (error) {
    log.emit('loop.failed', { part: 'take-over', error });
    return [];
  }
}

async function takeOverAll(deps: ReconcilerDeps, workerIds: readonly string[]): Promise<Takeover> {
  // Before the ledger lets go of anything: what is claimed anew afterwards must not look like an old claim.
  const held = await heldByGone(deps, workerIds);
  const taken = new Set<string>();
  let poisoned = 0;
  for (let batch = BATCH_SIZE; batch === BATCH_SIZE;) {
    const over = await deps.db.tx({ kind: 'ops' }, (tx) => takeOverBatch(deps, tx, { workerIds, limit: BATCH_SIZE }));
    reportTakeover(deps, over);
    for (const { id } of over.requeued) taken.add(id);
    poisoned += over.poisoned.length;
    batch = over.requeued.length + over.poisoned.length;
  }
  const rest = held.filter(({ id }) => !taken.has(id));
  return { requeued: taken.size + (await freeClaims(deps, rest)), poisoned };
}

export function createReconciler(deps: ReconcilerDeps): Reconciler {
  const { db, driver, clock, graceMs = 5 * SECOND_MS } = deps;
  let epoch: string | undefined;
  let isWiped = false;

  return {
    async wasWiped() {
      const seen = await driver.epoch();
      // The first look of a process cannot know what was before it.
      isWiped ||= epoch !== undefined && epoch !== seen;
      epoch = seen;
      return isWiped;
    },

    async restoreLost(signal) {
      // An admitted job is younger than this while it may still be on its way into the engine.
      const before = new Date(clock.now().getTime() - (isWiped ? 0 : graceMs));
      const restored = await restoreAll(deps, before, signal);
      isWiped = false;
      const { rows: gone } = await db.query<{ id: string }>(GONE_WORKERS);
      const goneIds = gone.map(({ id }) => id);
      if (goneIds.length > 0) await freeClaims(deps, await driver.heldBy(goneIds, BATCH_SIZE));
      return restored;
    },

    takeOver: (workerIds) =>
      workerIds.length === 0 ? Promise.resolve({ requeued: 0, poisoned: 0 }) : takeOverAll(deps, workerIds),
  };
}
