// Carries every unfinished job from one engine into another, in batches. Each batch may be repeated: a job is put into the
// new engine before anybody forgets it, under its own id, and what is there already stays as it is. History stays behind.

import type { Clock } from '../src/core/clock.ts';
import type { Database, Tx } from '../src/db/database.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import { deadLetterOf, QUEUES } from './catalog.ts';
import { enginePriority, type EngineDriver, type EngineRecord, type EngineRef } from './driver.ts';
import { isNative } from './engine-meta.ts';
import { engineJobOf, type LedgerRow, type LedgerState } from './ledger.ts';
import { FIRST_ID, listPage, lockInState, type LedgerPage } from './ledger-pages.ts';
import { knownJobs } from './ledger-views.ts';
import { enqueueNative } from './native.ts';

export interface MoveDeps {
  readonly from: EngineDriver;
  readonly to: EngineDriver;
  /** Pool of the scheduler role. */
  readonly db: Database;
  readonly clock: Clock;
  readonly log: EventLog;
  readonly signal: AbortSignal;
  /** Told after each batch how many more are done. */
  readonly onMoved: (jobs: number) => void;
}

export interface Moved {
  /** Jobs of the ledger that the old engine held, or should have held. */
  readonly ledgered: number;
  /** Jobs that the old engine alone knew. */
  readonly derived: number;
  /** Jobs that came in by the old engine's own door and had not been looked at. */
  readonly native: number;
  /** Dead letters. */
  readonly dead: number;
  /** What the old engine would not give away; nobody works on it any more. */
  readonly left: number;
}

const BATCH_SIZE = 500;

/** Puts rows of one state, which stay locked meanwhile, into the new engine. */
type Place = (tx: Tx, rows: readonly LedgerRow[]) => Promise<void>;

async function moveRows(
  { db, signal, onMoved }: MoveDeps,
  state: LedgerState,
  { release, place }: { readonly release: (rows: readonly LedgerRow[]) => Promise<unknown>; readonly place: Place },
): Promise<number> {
  let moved = 0;
  let after: string | undefined = FIRST_ID;
  while (after !== undefined) {
    signal.throwIfAborted();
    const page: LedgerPage = { state, after, limit: BATCH_SIZE };
    const rows = await db.tx({ kind: 'ops' }, (tx) => listPage(tx, page));
    // Outside of the transaction: it must not wait for the old engine while it holds locks of the ledger.
    await release(rows);
    const placed = await db.tx({ kind: 'ops' }, async (tx) => {
      const locked = await lockInState(
        tx,
        rows.map(({ id }) => id),
        state,
      );
      await place(tx, locked);
      return locked.length;
    });
    moved += placed;
    onMoved(placed);
    after = rows.length < BATCH_SIZE ? undefined : rows.at(-1)?.id;
  }
  return moved;
}

/** Admitted jobs, with their own start time. Somebody who starts on the new engine early may have restored some already. */
async function moveAdmitted(deps: MoveDeps): Promise<number> {
  const { from, to } = deps;
  return await moveRows(deps, 'admitted', {
    release: (rows) => from.remove(rows),
    async place(tx, rows) {
      const missing = new Set(await to.missing(rows, { tx }));
      const lost = rows.filter(({ id }) => missing.has(id));
      const putBacks = lost.map((row) => ({ job: engineJobOf(row), token: null, runAt: row.runAt }));
      await to.putBack(putBacks, { tx });
    },
  });
}

const deadRef = ({ id, queue }: EngineRef): EngineRef => ({ id, queue: deadLetterOf(queue) });

/** Dead jobs stay dead; the new engine gets their dead letters. */
async function moveDead(deps: MoveDeps): Promise<number> {
  const { from, to } = deps;
  return await moveRows(deps, 'dead', {
    release: (rows) => from.remove(rows.map(deadRef)),
    async place(tx, rows) {
      const missing = new Set(await to.missing(rows.map(deadRef), { tx }));
      const burials = rows
        .filter(({ id }) => missing.has(id))
        .map((row) => {
          const { attempts, takeovers, lastError } = row;
          const output = { attempts, takeovers, workerId: null, ...(lastError === null ? {} : { error: lastError }) };
          return { job: engineJobOf(row), token: null, output };
        });
      await to.bury(burials, { tx });
    },
  });
}

/** Takes jobs out of the old engine whoever had them in hand: nobody works there any more. Answers how many. */
async function takeOut({ from, clock }: MoveDeps, records: readonly EngineRecord[]): Promise<number> {
  const held = records.filter(({ state }) => state === 'active');
  await from.putBack(held.map((job) => ({ job, token: null, runAt: clock.now() })));
  return (await from.remove(records)).length;
}

async function moveRecords(deps: MoveDeps, records: readonly EngineRecord[]) {
  const { db, to, clock, log } = deps;
  const native = records.filter(isNative);
  for (const record of native) await enqueueNative({ db, driver: to, clock, log, workerId: null }, record);
  const derived = records.filter((record) => !record.meta.ledgered && !isNative(record));
  const ids = derived.map(({ id }) => id);
  // Taken over from a dead worker, or in its hand for long: the ledger answers for it by now.
  const known = await db.tx({ kind: 'ops' }, (tx) => knownJobs(tx, ids));
  const unknown = derived.filter(({ id }) => !known.has(id));
  const jobs = unknown.map(({ id, queue, kind, payload, meta, runAt }) => {
    return { id, queue, kind, payload, meta, runAt, priority: enginePriority(meta.class, meta.priority) };
  });
  await to.add(jobs.toReversed());
  return { native: native.length, derived: unknown.length };
}

/** What is left in the old engine after the ledger's jobs are gone: those that it alone knew, and strays. */
async function moveRest(deps: MoveDeps): Promise<Pick<Moved, 'native' | 'derived' | 'left'>> {
  const { from, signal, onMoved } = deps;
  const total = { native: 0, derived: 0, left: 0 };
  for (;;) {
    signal.throwIfAborted();
    const records = await from.list({
      queues: QUEUES,
      states: ['waiting', 'delayed', 'active'],
      limit: BATCH_SIZE,
    });
    if (records.length === 0) return total;
    const { native, derived } = await moveRecords(deps, records);
    total.native += native;
    total.derived += derived;
    onMoved(native + derived);
    if ((await takeOut(deps, records)) === 0) return { ...total, left: records.length };
  }
}

/** Everything that `from` holds and that is not over. Nobody may claim from it any more. Safe to repeat at any time. */
export async function moveJobs(deps: MoveDeps): Promise<Moved> {
  const ledgered = await moveAdmitted(deps);
  const rest = await moveRest(deps);
  const dead = await moveDead(deps);
  return { ledgered, ...rest, dead };
}
