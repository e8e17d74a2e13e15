// The producer's and operator's side of the queue, over the ledger and any engine.

import type { Tx, TxScope } from '../src/db/database.ts';
import type { AdmissionDeps } from './admission.ts';
import { deadLetterOf, type QueueName } from './catalog.ts';
import type { EngineDriver } from './driver.ts';
import { createEnqueue } from './enqueue.ts';
import { createInspection } from './inspection.ts';
import * as ledger from './ledger.ts';
import type { JobQueue } from './port.ts';

export type JobQueueDeps = AdmissionDeps;

const OPS: TxScope = { kind: 'ops' };

async function cancelIn(driver: EngineDriver, tx: Tx, { id, now }: { id: string; now: Date }): Promise<boolean> {
  const row = await ledger.findJob(tx, id);
  if (row === null || row.state === 'dead') return false;
  // Engine before ledger, in the order of a claim, so that the two cannot deadlock.
  if (row.state === 'pending' || (await driver.remove([row], { tx })).length > 0) {
    const gone = await ledger.deleteQueued(tx, id);
    if (gone !== null) {
      const output = { attempts: gone.attempts, takeovers: gone.takeovers, workerId: null };
      const settlement = { job: ledger.engineJobOf(gone), token: null, state: 'cancelled', output } as const;
      await driver.complete([settlement], { tx });
      return true;
    }
  }
  return await ledger.requestCancel(tx, id, now);
}

export function createJobQueue(deps: JobQueueDeps): JobQueue {
  const { db, driver, clock } = deps;
  const enqueueMany = createEnqueue(deps);

  return {
    ...createInspection(deps),
    enqueueMany,

    async enqueue(request, options) {
      const [result] = await enqueueMany([request], options);
      return result!;
    },

    async cancel(jobId) {
      return await db.tx(OPS, (tx) => cancelIn(driver, tx, { id: jobId, now: clock.now() }));
    },

    async retry(jobId) {
      return await db.tx(OPS, async (tx) => {
        const row = await ledger.revive(tx, jobId, clock.now());
        if (row === null) return false;
        await driver.remove([{ id: row.id, queue: deadLetterOf(row.queue as QueueName) }], { tx });
        await driver.add([ledger.engineJobOf(row)], { tx });
        return true;
      });
    },
  };
}
