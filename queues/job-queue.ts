// The producer's and operator's side of the queue, over the ledger and any engine.

import type { TxScope } from '../src/db/database.ts';
import type { AdmissionDeps } from './admission.ts';
import { deadLetterOf, type QueueName } from './catalog.ts';
import { createBatchedEnqueue } from './batched-enqueue.ts';
import { cancelJob } from './cancel.ts';
import { createEnqueue } from './enqueue.ts';
import { createInspection } from './inspection.ts';
import * as ledger from './ledger.ts';
import type { JobQueue } from './port.ts';

export type JobQueueDeps = AdmissionDeps;

const OPS: TxScope = { kind: 'ops' };

export function createJobQueue(deps: JobQueueDeps): JobQueue {
  const { db, driver, clock } = deps;
  const enqueueMany = createEnqueue(deps);
  const enqueueBatched = createBatchedEnqueue(enqueueMany);

  return {
    ...createInspection(deps),
    enqueueMany,

    async enqueue(request, options) {
      if (options?.tx === undefined) return await enqueueBatched(request);
      const [result] = await enqueueMany([request], options);
      return result!;
    },

    cancel: (jobId) => cancelJob(deps, jobId),

    async retry(jobId) {
      return await db.tx(OPS, async (tx) => {
        const row = await ledger.revive(tx, jobId, clock.now());
        if (row === null) return false;
        await driver.remove([{ id: row.id, queue: deadLetterOf(row.queue as QueueName) }]);
        await driver.add([ledger.engineJobOf(row)], { tx });
        return true;
      });
    },
  };
}
