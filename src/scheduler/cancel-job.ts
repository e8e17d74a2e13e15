// Cancelling a job together with what it stands for: a run that still waits for its job would be given another one within
// seconds, and a message that stays queued would leave with the next one of its chat.

import type { JobQueue } from '../../queues/port.ts';
import type { Clock } from '../core/clock.ts';
import { isUuid } from '../core/ids.ts';
import type { Database } from '../db/database.ts';
import { cancelOutbound, findMessageOfJob } from '../store/outbound.ts';
import { findRunJob } from '../store/run-of-job.ts';
import { cancelAbandonedRuns } from './abandoned-runs.ts';

export interface CancelDeps {
  /** Pool of the api role. */
  readonly db: Database;
  readonly queue: Pick<JobQueue, 'cancel'>;
  readonly clock: Clock;
}

/** False when no such job is unfinished. The run of a job in somebody's hand is ended by whoever works on it. */
export async function cancelJob({ db, queue, clock }: CancelDeps, jobId: string): Promise<boolean> {
  const job = await db.tx({ kind: 'ops' }, (tx) => findRunJob(tx, jobId));
  const message = await db.tx({ kind: 'ops' }, (tx) => findMessageOfJob(tx, jobId));
  if (!(await queue.cancel(jobId))) return false;
  if (job !== null) await db.tx({ kind: 'ops' }, (tx) => cancelAbandonedRuns(tx, [job], clock.now()));
  if (message !== null && isUuid(message.messageId))
    await db.tx({ kind: 'user', userId: message.userId }, (tx) => cancelOutbound(tx, message.messageId, clock.now()));
  return true;
}
