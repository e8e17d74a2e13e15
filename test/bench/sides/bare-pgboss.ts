// Bare pg-boss: its own worker in its best batch mode, its own inserts, history kept as we keep it.

import { PgBoss } from 'pg-boss';
import { HISTORY_MS } from '../../../queues/driver.ts';
import { uuidv7 } from '../../../src/core/ids.ts';
import { timed } from '../measure.ts';
import { countdown, type Side } from './side.ts';

const QUEUE = 'bare';
/** The fastest of the modes tried on two cores; a poll a batch would be far slower. */
const BATCH_MODE = { batchSize: 1_000, localConcurrency: 2, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 };

export async function openBarePgBoss(connectionString: string): Promise<Side> {
  const boss = new PgBoss({ connectionString, schema: 'bare', max: 12, supervise: false, schedule: false });
  boss.on('error', () => undefined);
  await boss.start();
  await boss.createQueue(QUEUE, { retryLimit: 0, deleteAfterSeconds: HISTORY_MS / 1_000 });
  const data = (): object => ({ kind: 'metrics.rollup', payload: { userId: uuidv7(), day: '2026-01-01' } });
  return {
    insert: (count) =>
      boss.insert(
        QUEUE,
        Array.from({ length: count }, () => ({ data: data() })),
      ),
    send: () => boss.send(QUEUE, data()),
    work: (count) =>
      timed(async () => {
        const { one, done } = countdown(count);
        await boss.work(QUEUE, BATCH_MODE, (jobs) => {
          for (const _ of jobs) one();
          return Promise.resolve();
        });
        await done;
        // Waits until the last batch is stored as completed.
        await boss.offWork(QUEUE);
      }),
    close: () => boss.stop({ graceful: false }),
  };
}
