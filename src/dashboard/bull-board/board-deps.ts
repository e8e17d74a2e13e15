// Puts together what the board works with, of pools and queues that are there.

import type { QueueWorker } from '@bull-board/api/dist/types.js';
import type { CostOf } from '../../scheduler/sync-job.ts';
import { listAliveWorkers } from '../../store/workers.ts';
import type { BoardDeps, DatastoreFacts } from './deps.ts';
import { createHistoryProvider, createMinuteMetrics } from './history-provider.ts';
import { createBoardSchedulers } from './schedulers.ts';

type Given = Pick<BoardDeps, 'db' | 'queue' | 'clock'> & { readonly costOf?: CostOf };

/** Every worker takes jobs of every queue. */
async function workersOf({ db, clock }: Given): Promise<QueueWorker[]> {
  const now = clock.now().getTime();
  return (await listAliveWorkers(db)).map(({ id, host, pid, startedAt }) => ({
    id,
    name: `${host} (${pid})`,
    addr: host,
    age: Math.max(0, Math.round((now - startedAt.getTime()) / 1_000)),
  }));
}

export function boardDeps(given: Given, datastore: () => Promise<DatastoreFacts>): BoardDeps {
  const { db, queue, clock } = given;
  return {
    db,
    queue,
    clock,
    datastore,
    workers: () => workersOf(given),
    history: createHistoryProvider({ db, clock }),
    minuteMetrics: createMinuteMetrics({ db, clock }),
    schedulers: createBoardSchedulers(given),
  };
}
