// What keeps ledger and engine one: jobs that the engine lost are added again, jobs of dead workers go back at once. Both
// are safe to run anywhere, at any time, by several processes.

import type { Clock } from '../src/core/clock.ts';
import { SECOND_MS } from '../src/core/duration.ts';
import type { Database, Tx } from '../src/db/database.ts';
import { sql } from '../src/db/sql.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import type { EngineDriver } from './driver.ts';
import { engineJobOf, LEDGER_COLUMNS, type LedgerRow } from './ledger.ts';
import { reportTakeover, takeOverBatch } from './take-over.ts';

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
  /** Adds admitted jobs that the engine does not hold. Answers how many. */
  restoreLost(signal?: AbortSignal): Promise<number>;
  /** Takes all jobs out of the hands of these workers; no attempt is spent. With `tx` in the caller's transaction. */
  takeOver(workerIds: readonly string[], options?: { readonly tx?: Tx }): Promise<Takeover>;
}

const BATCH_SIZE = 1_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

const LOCK_ADMITTED = sql`
select ${LEDGER_COLUMNS}
from job_ledger l
where l.state = 'admitted' and l.admitted_at < $1 and l.id > $2
order by l.id
limit $3
for update skip locked`;

async function restoreBatch(deps: ReconcilerDeps, tx: Tx, after: string) {
  const { driver, clock, graceMs = 5 * SECOND_MS } = deps;
  const before = new Date(clock.now().getTime() - graceMs);
  const { rows } = await tx.query<LedgerRow>(LOCK_ADMITTED, [before, after, BATCH_SIZE]);
  const missing = new Set(await driver.missing(rows, { tx }));
  const lost = rows.filter(({ id }) => missing.has(id));
  // With its own start time: a snoozed job that was lost still sleeps.
  const putBacks = lost.map((row) => ({ job: engineJobOf(row), token: null, runAt: row.runAt }));
  await driver.putBack(putBacks, { tx });
  return { lost, last: rows.length < BATCH_SIZE ? undefined : rows.at(-1)?.id };
}

export function createReconciler(deps: ReconcilerDeps): Reconciler {
  const { db, log } = deps;
  return {
    async restoreLost(signal) {
      let restored = 0;
      let after: string | undefined = FIRST_ID;
      while (after !== undefined) {
        if (signal?.aborted === true) break;
        const from: string = after;
        const { lost, last } = await db.tx({ kind: 'ops' }, (tx) => restoreBatch(deps, tx, from));
        for (const { id, kind, queue } of lost) log.emit('job.lost_restored', { jobId: id, kind, queue });
        restored += lost.length;
        after = last;
      }
      return restored;
    },

    async takeOver(workerIds, options) {
      const total = { requeued: 0, poisoned: 0 };
      if (workerIds.length === 0) return total;
      const work = (tx: Tx) => takeOverBatch(deps, tx, { workerIds, limit: BATCH_SIZE });
      for (;;) {
        const batch = await (options?.tx === undefined ? db.tx({ kind: 'ops' }, work) : work(options.tx));
        reportTakeover(deps, batch);
        total.requeued += batch.requeued.length;
        total.poisoned += batch.poisoned.length;
        if (batch.requeued.length + batch.poisoned.length < BATCH_SIZE) return total;
      }
    },
  };
}
