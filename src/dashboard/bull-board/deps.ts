// What the board works with; the composition root gives it.

import type { MetricsHistoryProvider, QueueWorker } from '@bull-board/api/dist/types.js';
import type { JobQueue, QueueControls } from '../../../queues/port.ts';
import type { Clock } from '../../core/clock.ts';
import type { Database } from '../../db/database.ts';
import type { createMinuteMetrics } from './history-provider.ts';
import type { createBoardSchedulers } from './schedulers.ts';

export interface DatastoreFacts {
  readonly version: string;
  readonly port: number;
  readonly uptimeSeconds: number;
  readonly connections: number;
}

export interface BoardDeps {
  readonly db: Database;
  readonly queue: JobQueue;
  readonly clock: Clock;
  /** Of Postgres. */
  readonly datastore: () => Promise<DatastoreFacts>;
  /** INFO of the engine's Redis; null: the queue lives in Postgres. */
  readonly redisInfo: () => Promise<string | null>;
  readonly controls: () => Promise<readonly QueueControls[]>;
  readonly workers: () => Promise<QueueWorker[]>;
  readonly history: Required<MetricsHistoryProvider>;
  readonly minuteMetrics: ReturnType<typeof createMinuteMetrics>;
  readonly schedulers: ReturnType<typeof createBoardSchedulers>;
}
