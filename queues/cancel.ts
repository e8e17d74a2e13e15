// Cancelling a job, wherever it is: a queued one is settled and never runs, a running one is asked to stop.

import { sleep } from '../src/core/async.ts';
import { SECOND_MS } from '../src/core/duration.ts';
import type { AdmissionDeps } from './admission.ts';
import type { EngineRecord, EngineSettlement } from './driver.ts';
import { countEnds } from './history-write.ts';
import * as ledger from './ledger.ts';

type Deps = Pick<AdmissionDeps, 'db' | 'driver' | 'clock'>;

/** A job that the engine alone knows ends, or is in the ledger, after about half a second; a worker may be a little late. */
const PATIENCE_MS = 2 * SECOND_MS;
const LOOK_EVERY_MS = 50;

const NEVER = new AbortController().signal;

/** False: there is no unfinished job of this id. */
export async function cancelJob(deps: Deps, jobId: string): Promise<boolean> {
  const row = await deps.db.tx({ kind: 'ops' }, (tx) => ledger.findJob(tx, jobId));
  if (row === null) return await cancelInEngine(deps, jobId);
  return row.state === 'dead' ? false : await cancelInLedger(deps, row);
}

/** Out of the engine first: what cannot be claimed any more cannot run, and a crash in between is made up for. */
async function cancelInLedger({ db, driver, clock }: Deps, row: ledger.LedgerRow): Promise<boolean> {
  const removed = row.state === 'admitted' && (await driver.remove([row])).length > 0;
  return await db.tx({ kind: 'ops' }, async (tx) => {
    const gone = removed || row.state === 'pending' ? await ledger.deleteQueued(tx, row.id) : null;
    if (gone === null) return await ledger.requestCancel(tx, row.id, clock.now());
    const output = { attempts: gone.attempts, takeovers: gone.takeovers, workerId: null };
    const job = ledger.engineJobOf(gone);
    await driver.complete([{ job, token: null, state: 'cancelled', output }], { tx });
    // Its user has room for another one.
    if (removed) await driver.wake('admission', { tx });
    await countEnds(tx, 'cancelled', [gone], clock.now());
    return true;
  });
}

async function cancelInEngine(deps: Deps, jobId: string): Promise<boolean> {
  const { db, driver, clock } = deps;
  for (let waitedMs = 0; waitedMs <= PATIENCE_MS; waitedMs += LOOK_EVERY_MS) {
    const record = await driver.get(jobId);
    if (record === null || isEnded(record)) return false;
    if ((await driver.remove([record])).length > 0) {
      await driver.complete([cancelledOf(record)]);
      await countEnds(db, 'cancelled', [record], clock.now());
      return true;
    }
    // In hand. Once it is in the ledger, its worker can be asked.
    const asked = await db.tx({ kind: 'ops' }, (tx) => ledger.requestCancel(tx, jobId, clock.now()));
    if (asked) return true;
    await sleep(LOOK_EVERY_MS, NEVER);
  }
  return false;
}

const isEnded = ({ state }: EngineRecord): boolean => !['waiting', 'delayed', 'active'].includes(state);

function cancelledOf({ id, queue, kind, payload, priority, meta }: EngineRecord): EngineSettlement {
  const output = { attempts: 0, takeovers: 0, workerId: null };
  return { job: { id, queue, kind, payload, priority, meta }, token: null, state: 'cancelled', output };
}
