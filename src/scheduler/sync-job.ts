// The job that does a run. The run's id is its unique key: however often a run is enqueued, it has one job.

import { syncQueueOf } from '../../queues/catalog.ts';
import type { JobRequest } from '../../queues/port.ts';
import type { PlatformId } from '../core/platforms.ts';
import type { WorkClass } from '../core/work-class.ts';

/** Requests that a usual run of a stream costs; the unit of fair admission. */
export type CostOf = (platform: PlatformId, stream: string) => number;

export interface RunOfJob {
  readonly runId: string;
  readonly userId: string;
  readonly platformId: PlatformId;
  readonly stream: string;
  readonly workClass: WorkClass;
}

export function syncJobOf(run: RunOfJob, costOf: CostOf | undefined): JobRequest<'sync.run'> {
  return {
    kind: 'sync.run',
    payload: { runId: run.runId },
    queue: syncQueueOf(run.platformId),
    uniqueKey: run.runId,
    userId: run.userId,
    workClass: run.workClass,
    ...(costOf === undefined ? {} : { cost: costOf(run.platformId, run.stream) }),
  };
}
