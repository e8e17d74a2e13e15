// `maintenance.retention {userId}`: erases the user's copies that have outlived their platform's limit, seals the days of messages
// that are about to go, and notes when it has looked through all of them. A worker that drains stops between two batches; the
// rest is for the next one.

import type { AnyConnector } from '../src/connectors/contract/connector.ts';
import type { Clock } from '../src/core/clock.ts';
import { KEEP_DEFAULTS, keptSince, type KeepPolicy } from '../src/core/keep-policy.ts';
import type { RetentionLimits } from '../src/core/retention.ts';
import type { Database } from '../src/db/database.ts';
import { eraseCopies } from '../src/ops/erase-copies.ts';
import { expiredCaches } from '../src/ops/expired-copies.ts';
import { sealOldDays } from '../src/ops/seal-old-days.ts';
import { notePass } from '../src/store/retention.ts';
import { acquireLease, releaseLease } from '../src/store/stream-leases.ts';
import { completed, discard, snooze } from '../queues/outcome.ts';
import type { Handler, JobContext } from '../queues/port.ts';

export interface RetentionDeps {
  /** Pool of the worker role. */
  readonly db: Database;
  readonly clock: Clock;
  readonly connectors: ReadonlyMap<string, AnyConnector>;
  readonly config: { readonly retention?: RetentionLimits; readonly keep?: KeepPolicy };
}

async function pass(deps: RetentionDeps, job: JobContext<'maintenance.retention'>, leaseToken: string) {
  const {
    db,
    clock,
    connectors,
    config: { retention: limits = {}, keep = KEEP_DEFAULTS },
  } = deps;
  // Whoever asked has a limit: a pass that looks at nothing must not count as one.
  const now = clock.now();
  const before = keptSince(keep, 'messages', now);
  if (Object.keys(limits).length === 0 && before === null)
    return discard('this worker has no TIDEMARK_RETENTION, and TIDEMARK_KEEP keeps messages');
  const { userId } = job.payload;
  const isOver = (): boolean => job.signal.aborted || job.draining.aborted;
  const { rows, isComplete } = await eraseCopies({
    db,
    leaseToken,
    userId,
    caches: expiredCaches(connectors.values(), limits, now),
    isOver,
    onBatch: (erased) => job.log.emit('retention.erased', { userId, ...erased }),
  });
  job.signal.throwIfAborted();
  if (before !== null) await sealOldDays({ db, leaseToken, userId, before, now, isOver });
  job.signal.throwIfAborted();
  if (!isComplete || job.draining.aborted) return snooze(0, 'more is left to erase');
  await db.tx({ kind: 'lease', token: leaseToken }, (tx) => notePass(tx, userId, now));
  return completed({ erased: rows });
}

export function createRetentionHandler(deps: RetentionDeps): Handler<'maintenance.retention'> {
  return async (job) => {
    const token = await acquireLease(deps.db, job.jobId, job.workerId);
    if (token === null) return discard('the job is no longer held by this worker');
    try {
      return await pass(deps, job, token);
    } finally {
      await releaseLease(deps.db, token);
    }
  };
}
