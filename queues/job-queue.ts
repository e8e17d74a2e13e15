// The producer's and operator's side of the queue, over the ledger and any engine.

import { createBatchedEnqueue } from './batched-enqueue.ts';
import { cancelJob } from './cancel.ts';
import { createDeadLetters, type DeadLetterDeps } from './dead-letters.ts';
import { createEnqueue } from './enqueue.ts';
import { createInspection } from './inspection.ts';
import { readJobLogs } from './job-log.ts';
import { createOperate } from './operate.ts';
import type { JobQueue } from './port.ts';
import { createRemoval, type RemovalDeps } from './removal.ts';

export function createJobQueue(deps: DeadLetterDeps & RemovalDeps): JobQueue {
  const { db } = deps;
  const enqueueMany = createEnqueue(deps);
  const enqueueBatched = createBatchedEnqueue(enqueueMany);
  const deadLetters = createDeadLetters(deps, { enqueueMany });

  return {
    ...createInspection(deps),
    ...createOperate(deps),
    ...deadLetters,
    ...createRemoval(deps),
    enqueueMany,

    async enqueue(request, options) {
      if (options?.tx === undefined) return await enqueueBatched(request);
      const [result] = await enqueueMany([request], options);
      return result!;
    },

    cancel: (jobId) => cancelJob(deps, jobId),

    async retry(jobId) {
      return (await deadLetters.replay({ ids: [jobId] }, 1)).replayed === 1;
    },

    async logs(jobId) {
      return await db.tx({ kind: 'ops' }, (tx) => readJobLogs(tx, jobId));
    },
  };
}
