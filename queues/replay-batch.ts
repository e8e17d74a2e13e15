// A batch of dead letters back to work, in one transaction. What becomes of a job is the ledger's row; what the engine holds
// follows it, and whatever a crash cuts off is made up for by the reconciler.

import { SECOND_MS } from '../src/core/duration.ts';
import { workClassOf, type WorkClass } from '../src/core/work-class.ts';
import type { Tx } from '../src/db/database.ts';
import type { Admission, AdmissionDeps } from './admission.ts';
import { deadLetterOf, isDerivedQueue, type JobKind } from './catalog.ts';
import { forgetDead, lockReplayable, revive, type DeadConditions, type DeadPage, type DeadRow } from './ledger-dead.ts';
import { engineJobOf, uniqueRef } from './ledger.ts';
import type { JobQueue } from './port.ts';

export interface DeadJob {
  readonly id: string;
  readonly userId: string | null;
  readonly payload: unknown;
  readonly workClass: WorkClass;
}

/** `again`: the job itself runs again. `replaced`: something else does its work now. `dead`: it stays where it is. */
export type Fate = 'again' | 'replaced' | 'dead';

/**
 * For a kind whose jobs cannot always simply run again: decides, and arranges what replaces them, in the transaction. A job
 * without an answer stays dead.
 */
export type DecideFates = (
  tx: Tx,
  jobs: readonly DeadJob[],
  queue: Pick<JobQueue, 'enqueueMany'>,
) => Promise<ReadonlyMap<string, Fate>>;

export interface ReplayDeps extends AdmissionDeps {
  readonly admission: Admission;
  readonly queue: Pick<JobQueue, 'enqueueMany'>;
  /** Jobs of kinds without an entry run again. */
  readonly fates?: Readonly<Partial<Record<JobKind, DecideFates>>>;
}

export interface ReplayedBatch {
  readonly replayed: number;
  /** Where the next batch begins; null: this was the last. */
  readonly after: DeadRow | null;
}

/** Longer than a batch takes. */
const HOLD_MS = 10 * SECOND_MS;

/** Of several dead letters with one unique key only the first: it will hold the key. */
function firstOfKeys(rows: readonly DeadRow[]): readonly DeadRow[] {
  const keys = new Set<string>();
  return rows.filter(({ id, kind, uniqueKey }) => {
    const key = uniqueKey === null ? id : uniqueRef(kind, uniqueKey);
    return !keys.has(key) && keys.add(key);
  });
}

async function fatesOf({ fates = {}, queue }: ReplayDeps, tx: Tx, rows: readonly DeadRow[]) {
  const decided = new Map<string, Fate>();
  for (const [kind, decideFates] of Object.entries(fates)) {
    const jobs = rows.filter((row) => row.kind === kind);
    if (jobs.length === 0) continue;
    const views = jobs.map(({ id, userId, payload, class: rank }) => ({
      id,
      userId,
      payload,
      workClass: workClassOf(rank),
    }));
    const answers = await decideFates(tx, views, queue);
    for (const { id } of jobs) decided.set(id, answers.get(id) ?? 'dead');
  }
  return (fate: Fate) => rows.filter(({ id }) => (decided.get(id) ?? 'again') === fate);
}

/** Into the engine as far as its user has room there, otherwise in front of it, like any new job. */
async function reviveDurable({ admission, driver, clock }: ReplayDeps, tx: Tx, rows: readonly DeadRow[]) {
  if (rows.length === 0) return;
  const now = clock.now();
  const candidates = rows.map((row) => ({ ...row, runAt: now }));
  const placements = await admission.place(tx, candidates);
  const revivals = rows.map(({ id }, index) => ({ id, ...placements[index]! }));
  await revive(tx, revivals, now);
  const admitted = rows.filter((_, index) => placements[index]!.admitted);
  const putBacks = admitted.map((row) => ({ job: engineJobOf(row), token: null, runAt: now }));
  await driver.putBack(putBacks, { tx });
}

/**
 * The engine knows who holds their keys, so it is asked first, at once. It gives them to nobody before the transaction is
 * over; if that never commits, the jobs are dead, and whoever claims one then drops it. Answers those that live.
 */
async function reviveDerived({ driver, clock }: ReplayDeps, tx: Tx, rows: readonly DeadRow[]) {
  if (rows.length === 0) return [];
  const now = clock.now();
  const held = new Date(now.getTime() + HOLD_MS);
  const holders = await driver.add(rows.map((row) => ({ ...engineJobOf(row), runAt: held })));
  const own = rows.filter(({ id }, index) => holders[index] === id);
  const revivals = own.map(({ id }) => ({ id, admitted: true, fairTag: 0 }));
  await revive(tx, revivals, now);
  const putBacks = own.map((row) => ({ job: engineJobOf(row), token: null, runAt: now }));
  await driver.putBack(putBacks, { tx });
  return own;
}

/** After the commit: a copy that a crash leaves behind is never claimed; one that is gone too early hides a dead job. */
function removeCopies({ driver, log }: ReplayDeps, tx: Tx, rows: readonly DeadRow[]): void {
  if (rows.length === 0) return;
  const copies = rows.map(({ id, queue }) => ({ id, queue: deadLetterOf(queue) }));
  tx.afterCommit(async () => {
    try {
      await driver.remove(copies);
    } catch (error) {
      log.emit('loop.failed', { part: 'replay', jobs: copies.length, error });
    }
  });
}

export async function replayBatch(
  deps: ReplayDeps,
  tx: Tx,
  conditions: DeadConditions,
  page: DeadPage,
): Promise<ReplayedBatch> {
  const rows = await lockReplayable(tx, conditions, page);
  const withFate = await fatesOf(deps, tx, firstOfKeys(rows));
  const again = withFate('again');
  const durable = again.filter(({ queue }) => !isDerivedQueue(queue));
  await reviveDurable(deps, tx, durable);
  const derived = again.filter(({ queue }) => isDerivedQueue(queue));
  const living = await reviveDerived(deps, tx, derived);
  const replaced = withFate('replaced');
  const ids = replaced.map(({ id }) => id);
  await forgetDead(tx, ids);
  removeCopies(deps, tx, [...durable, ...living, ...replaced]);
  const replayed = durable.length + living.length + replaced.length;
  return { replayed, after: rows.length < page.limit ? null : (rows.at(-1) ?? null) };
}
