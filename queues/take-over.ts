// Jobs of dead workers go back into the queue at once. A takeover spends no attempt; a job that was in hand when too many
// workers died is poison and goes to the dead letter instead.

import { AppError, reportOf } from '../src/core/errors.ts';
import type { Database, Tx } from '../src/db/database.ts';
import { isJobKind, KINDS } from './catalog.ts';
import { countEnds } from './history-write.ts';
import { engineJobOf, type LedgerRow, type LedgerState } from './ledger.ts';
import { buryTakenOver, lockHeldBy, releaseTakenOver } from './ledger-claims.ts';
import type { Clock } from '../src/core/clock.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import { asItIs, type EngineClaim, type EngineDriver } from './driver.ts';
import { knownJobs } from './ledger-views.ts';
import { isNative } from './engine-meta.ts';
import { enterLedger, factsOf, type LedgerEntry } from './ledger-entry.ts';

export interface TakenOver {
  readonly requeued: readonly LedgerRow[];
  readonly poisoned: readonly LedgerRow[];
}

const maxTakeoversOf = (kind: string): number => (isJobKind(kind) ? KINDS[kind].maxTakeovers : 1);

const isPoison = ({ kind, takeovers }: LedgerRow): boolean => takeovers + 1 >= maxTakeoversOf(kind);

function poisonReport({ kind, takeovers }: LedgerRow) {
  const message = `${kind} was in hand when ${takeovers + 1} workers died; expected fewer than ${maxTakeoversOf(kind)}`;
  return reportOf(new AppError('queue.poisoned', message));
}

/** At most `limit` jobs of these workers, in the caller's transaction. */
export async function takeOverBatch(
  { driver, clock }: { readonly driver: EngineDriver; readonly clock: Clock },
  tx: Tx,
  { workerIds, limit }: { readonly workerIds: readonly string[]; readonly limit: number },
): Promise<TakenOver> {
  const now = clock.now();
  const rows = await lockHeldBy(tx, workerIds, limit);
  const requeued = rows.filter((row) => !isPoison(row));
  const poisoned = rows.filter(isPoison);
  if (requeued.length > 0) {
    const ids = requeued.map(({ id }) => id);
    await releaseTakenOver(tx, ids, now);
    const putBacks = requeued.map((row) => ({ job: engineJobOf(row), token: null, runAt: now }));
    await driver.putBack(putBacks, { tx });
  }
  if (poisoned.length > 0) {
    const reports = poisoned.map((row) => ({ id: row.id, error: poisonReport(row) }));
    await buryTakenOver(tx, reports, now);
    const burials = poisoned.map((row, index) => {
      const { attempts, takeovers, workerId } = row;
      const output = { attempts, takeovers: takeovers + 1, workerId, error: reports[index]!.error };
      return { job: engineJobOf(row), token: null, output };
    });
    await driver.bury(burials, { tx });
    await countEnds(tx, 'failed', poisoned, now);
  }
  return { requeued, poisoned };
}

/** In nobody's hand, as far as the ledger knows, and not over. */
const isFree = (state: LedgerState | undefined): boolean => state === undefined || state === 'admitted';

function entryOf(claim: EngineClaim, now: Date): LedgerEntry {
  const job = factsOf(claim, claim.meta!);
  const nobody = { workerId: null, startedAt: null, error: null };
  return { job, state: 'admitted', attempts: 0, takeovers: 1, runAt: now, ...nobody };
}

/**
 * Frees these claims, which the engine found in the hands of workers that are gone, before the ledger's part was done: jobs
 * that it alone knew enter the ledger; one that came by the engine's own door, or that was claimed and never marked, just
 * goes back. Whoever was claimed anew since then has another token. Answers how many went back.
 */
export async function freeClaims(
  { db, driver, clock, log }: ReconcilerParts,
  held: readonly EngineClaim[],
): Promise<number> {
  if (held.length === 0) return 0;
  const runAt = clock.now();
  return await db.tx({ kind: 'ops' }, async (tx) => {
    const known = await knownJobs(
      tx,
      held.map(({ id }) => id),
    );
    const free = held.filter(({ id }) => isFree(known.get(id)?.state));
    const unknown = free.filter((claim) => !isNative(claim) && claim.meta?.ledgered === false && !known.has(claim.id));
    const { entered } = await enterLedger(
      tx,
      unknown.map((claim) => entryOf(claim, runAt)),
      runAt,
    );
    const isLedgered = ({ id }: EngineClaim): boolean => known.has(id) || entered.has(id);
    const putBacks = free.map((claim) => {
      const job = asItIs(claim);
      const meta = job.meta !== null && isLedgered(claim) ? { ...job.meta, ledgered: true } : job.meta;
      return { job: { ...job, meta }, token: claim.token, runAt };
    });
    await driver.putBack(putBacks, { tx });
    for (const { id, kind } of free) log.emit('job.taken_over', { jobId: id, kind });
    return free.length;
  });
}

export interface ReconcilerParts {
  readonly db: Database;
  readonly driver: EngineDriver;
  readonly clock: Clock;
  readonly log: EventLog;
}

export function reportTakeover({ log }: { readonly log: EventLog }, { requeued, poisoned }: TakenOver): void {
  for (const { id, kind, workerId } of requeued) log.emit('job.taken_over', { jobId: id, kind, from: workerId });
  for (const { id, kind } of poisoned) log.emit('job.dead', { jobId: id, kind, code: 'queue.poisoned' });
}
