// Puts together what the board works with, of pools and queues that are there.

import type { QueueWorker } from '@bull-board/api/dist/types.js';
import type { CostOf } from '../../scheduler/sync-job.ts';
import { listAliveWorkers } from '../../store/workers.ts';
import type { BoardDeps } from './deps.ts';
import { createHistoryProvider, createMinuteMetrics } from './history-provider.ts';
import { createBoardSchedulers } from './schedulers.ts';

type Given = Pick<BoardDeps, 'db' | 'queue' | 'clock' | 'datastore'> &
  Partial<Pick<BoardDeps, 'redisInfo'>> & { readonly costOf?: CostOf };

/** All queues of a page ask at once: they share one question. */
function together<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => (asked ??= ask().finally(() => (asked = undefined)));
}

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

export function boardDeps(given: Given): BoardDeps {
  const { db, queue, clock, datastore, redisInfo = async () => null } = given;
  return {
    db,
    queue,
    clock,
    datastore,
    redisInfo,
    controls: together(() => queue.controls()),
    workers: together(() => workersOf(given)),
    history: createHistoryProvider({ db, clock }),
    minuteMetrics: createMinuteMetrics({ db, clock }),
    schedulers: createBoardSchedulers(given),
  };
}
