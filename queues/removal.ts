// Jobs that an operator brings forward or takes away. What is taken away is gone from ledger, engine and log: nothing
// restores it. A job in somebody's hand is left to him.

import { AppError } from '../src/core/errors.ts';
import { isUuid } from '../src/core/ids.ts';
import type { Tx } from '../src/db/database.ts';
import type { AdmissionDeps } from './admission.ts';
import { deadLetterOf, isDerivedQueue, queueOfDeadLetter } from './catalog.ts';
import type { EngineRecord, EngineState, HistoryState } from './driver.ts';
import { engineJobOf, findJob, type LedgerRow } from './ledger.ts';
import { bringForward, deleteDead, deleteWaiting, listWaiting } from './ledger-removal.ts';
import { deleteJobLogs } from './job-log.ts';
import type { CleanFilter, JobQueue } from './port.ts';

export interface RemovalDeps extends Pick<AdmissionDeps, 'db' | 'driver' | 'clock'> {
  /** Told, in the transaction, of jobs that will never run: what they stood for must not ask for another one. */
  readonly onAbandoned?: (
    tx: Tx,
    jobs: readonly Pick<LedgerRow, 'kind' | 'userId' | 'payload'>[],
    now: Date,
  ) => Promise<void>;
}

const OPS = { kind: 'ops' } as const;
const DEFAULT_CLEAN = 1_000;
const MAX_CLEAN = 10_000;
const BATCH = 200;
const HISTORY_STATES: readonly HistoryState[] = ['completed', 'cancelled', 'failed'];
const isEnded = (state: EngineState): state is HistoryState => (HISTORY_STATES as readonly string[]).includes(state);

function inHand(id: string): AppError {
  return new AppError('queue.job_active', `expected a job that nobody has in hand, got ${id}: cancel it first`);
}

/** Out of the engine first: what cannot be claimed any more cannot run, and a crash in between is made up for. */
async function takeAway({ db, driver, clock, onAbandoned }: RemovalDeps, rows: readonly LedgerRow[]) {
  const removed = await driver.remove(rows.filter(({ state }) => state === 'admitted'));
  const pending = rows.filter(({ state }) => state === 'pending').map(({ id }) => id);
  return await db.tx(OPS, async (tx) => {
    const gone = await deleteWaiting(tx, { pending, admitted: removed });
    await onAbandoned?.(tx, gone, clock.now());
    await deleteJobLogs(
      tx,
      gone.map(({ id }) => id),
    );
    if (removed.length > 0) await driver.wake('admission', { tx });
    return gone;
  });
}

/** The ledger says what is dead; the engine's copies follow. */
async function forgetCopies({ driver, clock }: RemovalDeps, queue: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await driver.remove(ids.map((id) => ({ id, queue: deadLetterOf(queue) })));
  await driver.forget({ queue, states: ['failed'], before: clock.now(), ids, limit: ids.length });
}

async function buryForGood(deps: RemovalDeps, queue: string, which: Parameters<typeof deleteDead>[2]): Promise<number> {
  const ids = await deps.db.tx(OPS, async (tx) => {
    const gone = await deleteDead(tx, queue, which);
    await deleteJobLogs(tx, gone);
    return gone;
  });
  await forgetCopies(deps, queue, ids);
  return ids.length;
}

/** A job that the engine alone knows. */
async function removeRecord(deps: RemovalDeps, record: EngineRecord): Promise<boolean> {
  const { db, driver, clock } = deps;
  const { id, queue, state } = record;
  const taken = isEnded(state)
    ? await driver.forget({ queue, states: [state], before: clock.now(), ids: [id], limit: 1 })
    : await driver.remove([record]);
  if (taken.length === 0) throw inHand(id);
  await db.tx(OPS, (tx) => deleteJobLogs(tx, [id]));
  return true;
}

async function removeJob(deps: RemovalDeps, jobId: string): Promise<boolean> {
  if (!isUuid(jobId)) return false;
  const row = await deps.db.tx(OPS, (tx) => findJob(tx, jobId));
  if (row === null) {
    const record = await deps.driver.get(jobId);
    return record !== null && (await removeRecord(deps, record));
  }
  const now = deps.clock.now();
  if (row.state === 'dead') return (await buryForGood(deps, row.queue, { ids: [jobId], before: now, limit: 1 })) === 1;
  if (row.state !== 'active' && (await takeAway(deps, [row])).length === 1) return true;
  throw inHand(jobId);
}

/** Of queues of derived kinds, whose waiting jobs only the engine knows. */
async function promoteRecord({ driver, clock }: RemovalDeps, jobId: string): Promise<boolean> {
  const record = await driver.get(jobId);
  if (record?.state !== 'delayed' || (await driver.remove([record])).length === 0) return false;
  await driver.add([{ ...record, runAt: clock.now() }]);
  return true;
}

async function promoteJob(deps: RemovalDeps, jobId: string): Promise<boolean> {
  if (!isUuid(jobId)) return false;
  const { db, driver, clock } = deps;
  const now = clock.now();
  const { found, isKnown } = await db.tx(OPS, async (tx) => {
    const found = await bringForward(tx, jobId, now);
    if (found?.state === 'admitted')
      await driver.putBack([{ job: engineJobOf(found), token: null, runAt: now }], { tx });
    if (found?.state === 'pending') await driver.wake('admission', { tx });
    return { found, isKnown: found !== null || (await findJob(tx, jobId)) !== null };
  });
  return isKnown ? found !== null : await promoteRecord(deps, jobId);
}

/** In batches, because each of them is a transaction. */
async function cleanWaiting(deps: RemovalDeps, filter: CleanFilter, limit: number): Promise<number> {
  const { queue, before } = filter;
  const states = (['waiting', 'delayed'] as const).filter((state) => filter.states.includes(state));
  if (states.length === 0) return 0;
  let cleaned = 0;
  while (cleaned < limit) {
    const page = { states, before, limit: Math.min(BATCH, limit - cleaned), now: deps.clock.now() };
    const rows = await deps.db.tx(OPS, (tx) => listWaiting(tx, queue, page));
    const gone = rows.length === 0 ? 0 : (await takeAway(deps, rows)).length;
    cleaned += gone;
    // The others were claimed meanwhile.
    if (gone < rows.length || rows.length < page.limit) break;
  }
  return cleaned + (await cleanUnledgered(deps, filter, { states, limit: limit - cleaned }));
}

/** Waiting jobs of derived kinds that no ledger knows. */
async function cleanUnledgered(
  { driver }: RemovalDeps,
  { queue, before }: CleanFilter,
  { states, limit }: { readonly states: readonly ('waiting' | 'delayed')[]; readonly limit: number },
): Promise<number> {
  if (!isDerivedQueue(queue) || limit <= 0) return 0;
  const records = await driver.list({ queues: [queue], states, limit });
  const old = records.filter(({ meta }) => !meta.ledgered && new Date(meta.createdAt) < before);
  return (await driver.remove(old)).length;
}

async function clean(deps: RemovalDeps, filter: CleanFilter): Promise<number> {
  const most = Math.min(MAX_CLEAN, Math.max(1, Math.trunc(filter.limit ?? DEFAULT_CLEAN)));
  const base = queueOfDeadLetter(filter.queue);
  const queue = base ?? filter.queue;
  // Of a dead letter there are only the dead.
  const wanted = base === null ? filter.states : filter.states.filter((state) => state === 'dead');
  const { before } = filter;
  let cleaned = await cleanWaiting(deps, { ...filter, queue, states: wanted }, most);
  if (wanted.includes('dead') && cleaned < most)
    cleaned += await buryForGood(deps, queue, { ids: null, before, limit: most - cleaned });
  const states = HISTORY_STATES.filter((state) => wanted.includes(state));
  if (states.length === 0 || cleaned >= most) return cleaned;
  const gone = await deps.driver.forget({ queue, states, before, ids: null, limit: most - cleaned });
  await deps.db.tx(OPS, (tx) => deleteJobLogs(tx, gone));
  return cleaned + gone.length;
}

export function createRemoval(deps: RemovalDeps): Pick<JobQueue, 'promote' | 'remove' | 'clean'> {
  return {
    promote: (jobId) => promoteJob(deps, jobId),
    remove: (jobId) => removeJob(deps, jobId),
    clean: (filter) => clean(deps, filter),
  };
}
