// Cancelling a job: a queued one ends here and now, one in somebody's hand is asked to stop. The ledger decides; a job that
// only the engine knows is asked to stop once it has entered the ledger, which it does if it lasts.

import { sleep } from '../src/core/async.ts';
import type { Clock } from '../src/core/clock.ts';
import { isUuid } from '../src/core/ids.ts';
import type { Database } from '../src/db/database.ts';
import type { EngineDriver, EngineJob } from './driver.ts';
import { deleteQueued, engineJobOf, findJob, requestCancel } from './ledger.ts';
import type { JobQueue } from './port.ts';

export interface CancelDeps {
  readonly db: Database;
  readonly driver: EngineDriver;
  readonly clock: Clock;
}

const OPS = { kind: 'ops' } as const;
/** A job that lasts enters the ledger within a second; one that does not will have ended by itself. */
const LOOKS = 25;
const LOOK_MS = 100;
/** These are short waits of a caller who waits; nothing aborts them. */
const NEVER = new AbortController().signal;

const cancelled = (job: EngineJob, { attempts, takeovers }: { attempts: number; takeovers: number }) =>
  ({ job, token: null, state: 'cancelled', output: { attempts, takeovers, workerId: null } }) as const;

/** Undefined: the ledger does not know the job. */
async function cancelLedgered({ db, driver, clock }: CancelDeps, id: string): Promise<boolean | undefined> {
  const row = await db.tx(OPS, (tx) => findJob(tx, id));
  if (row === null) return undefined;
  if (row.state === 'dead') return false;
  // What the engine gave away nobody can take back; its row still says `admitted` for a moment.
  const isQueued = row.state === 'pending' || (row.state === 'admitted' && (await driver.remove([row])).length > 0);
  return await db.tx(OPS, async (tx) => {
    const gone = isQueued ? await deleteQueued(tx, id) : null;
    if (gone !== null) {
      await driver.complete([cancelled(engineJobOf(gone), gone)], { tx });
      return true;
    }
    const isAsked = await requestCancel(tx, id, clock.now());
    if (isAsked) await driver.wake('jobs', { tx });
    return isAsked;
  });
}

/** Undefined: in somebody's hand. */
async function cancelUnledgered({ driver }: CancelDeps, id: string): Promise<boolean | undefined> {
  const record = await driver.get(id);
  if (record === null || (record.state !== 'active' && record.finishedAt !== null)) return false;
  if (record.state === 'active' || (await driver.remove([record])).length === 0) return undefined;
  await driver.complete([cancelled(record, { attempts: 0, takeovers: 0 })]);
  return true;
}

export function createCancel(deps: CancelDeps): JobQueue['cancel'] {
  return async function cancel(jobId) {
    if (!isUuid(jobId)) return false;
    for (let look = 1; ; look++) {
      const answer = (await cancelLedgered(deps, jobId)) ?? (await cancelUnledgered(deps, jobId));
      if (answer !== undefined) return answer;
      if (look === LOOKS) return false;
      await sleep(LOOK_MS, NEVER);
    }
  };
}
