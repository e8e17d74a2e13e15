// A job for a run, in a worker's hand as the consumer leaves it there: in the ledger, and as the context of its handler.

import { uuidv7 } from '../../src/core/ids.ts';
import { silentLog } from '../../src/telemetry/event-log.ts';
import type { JobContext } from '../../queues/port.ts';
import type { TestDatabase } from './postgres.ts';

type Ask = TestDatabase['asSuperuser'];

/** A worker that is alive; its id. */
export async function addWorker(ask: Ask): Promise<string> {
  const id = uuidv7();
  await ask(`insert into workers (id, hostname, pid, concurrency) values ($1, 'test', 1, 1)`, [id]);
  return id;
}

export interface Claim extends Partial<JobContext<'sync.run'>> {
  readonly runId: string;
  readonly userId: string;
  readonly workerId: string;
}

/** A job id that is given again goes to the new worker. */
export async function claimRun(
  ask: Ask,
  { runId, userId, workerId, ...given }: Claim,
): Promise<JobContext<'sync.run'>> {
  const jobId = given.jobId ?? uuidv7();
  await ask(
    `insert into job_ledger (id, kind, queue, payload, user_id, run_at, state, worker_id, max_attempts, created_at)
     values ($1, 'sync.run', 'sync-upwork', $2, $3, now(), 'active', $4, 8, now())
     on conflict (id) do update set worker_id = excluded.worker_id`,
    [jobId, JSON.stringify({ runId }), userId, workerId],
  );
  return {
    kind: 'sync.run',
    queue: 'sync-upwork',
    payload: { runId },
    userId,
    workClass: 'incremental',
    attempt: 1,
    takeovers: 0,
    signal: new AbortController().signal,
    draining: new AbortController().signal,
    log: silentLog,
    progress: () => undefined,
    ...given,
    jobId,
    workerId,
  };
}
