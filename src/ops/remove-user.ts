// Removing a person: no run begins any more, his jobs are taken out of ledger and engine, then his rows go in one transaction, the
// wrapped keys of his credentials among them. Interrupted anywhere it may run again.

import type { JobQueue, JobView } from '../../queues/port.ts';
import { sleep } from '../core/async.ts';
import type { Clock } from '../core/clock.ts';
import { SECOND_MS } from '../core/duration.ts';
import { AppError } from '../core/errors.ts';
import type { Tx } from '../db/database.ts';
import { removeUser as removeRows } from '../store/users.ts';
import { changeUser } from './change-user.ts';

export interface RemovalDeps {
  readonly queue: Pick<JobQueue, 'list' | 'cancel' | 'remove'>;
  readonly clock: Clock;
  /** Runs `work` in a transaction that sees the user. */
  readonly inTx: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;
  /** Told how many jobs are gone so far. */
  readonly onJobs?: (removed: number) => void;
}

/** A worker that is told to stop needs a moment; one that died is taken over within seconds. */
const PATIENCE_MS = 30 * SECOND_MS;
const LOOK_EVERY_MS = 200;
const PAGE = 200;

/** Ends what waits, tells what is in hand to stop. True: gone. */
async function endJob({ queue }: RemovalDeps, { id, state }: JobView): Promise<boolean> {
  if (state === 'active') {
    await queue.cancel(id);
    return false;
  }
  try {
    return await queue.remove(id);
  } catch (error) {
    // It was started between the look and the removal.
    if (error instanceof AppError && error.code === 'queue.job_active') return false;
    throw error;
  }
}

/** Throws `queue.job_active` when a worker holds on to a job of the user. */
async function removeJobs(deps: RemovalDeps, userId: string, signal: AbortSignal): Promise<number> {
  const { queue, clock, onJobs } = deps;
  let removed = 0;
  let giveUpAt = clock.mono() + PATIENCE_MS;
  while (clock.mono() < giveUpAt) {
    signal.throwIfAborted();
    const jobs = await queue.list({ userId, limit: PAGE });
    if (jobs.length === 0) return removed;
    const before = removed;
    for (const job of jobs) if (await endJob(deps, job)) removed += 1;
    onJobs?.(removed);
    if (removed > before) giveUpAt = clock.mono() + PATIENCE_MS;
    else await sleep(LOOK_EVERY_MS, signal);
  }
  throw new AppError('queue.job_active', 'a worker still holds a job of this user: try again in a minute');
}

/** Null: no such user. Else how many jobs went with him. Throws `queue.job_active`. */
export async function removeUser(deps: RemovalDeps, id: string, signal: AbortSignal): Promise<number | null> {
  const stopped = await deps.inTx((tx) => changeUser(tx, id, { isActive: false }));
  if (stopped === null) return null;
  const jobs = await removeJobs(deps, id, signal);
  return (await deps.inTx((tx) => removeRows(tx, id))) ? jobs : null;
}
