// Schedules of streams as the board's job schedulers: each sync queue shows those of its platforms. An id is
// `<integrationId>:<stream>`. Queues without schedules of their own, and dead letters, have none.

import type {
  AppJobScheduler,
  JobSchedulerRepeatOptions,
  JobSchedulerUpdateResult,
} from '@bull-board/api/dist/types.js';
import { AppError } from '../../core/errors.ts';
import type { TriggerDeps } from '../../scheduler/trigger.ts';
import type { JobQueue, JobView } from '../../../queues/port.ts';

export interface SchedulersDeps extends Omit<TriggerDeps, 'queue'> {
  readonly queue: Pick<JobQueue, 'enqueueMany' | 'get'>;
}

/** `queue` is always the adapter's name. */
export interface BoardSchedulers {
  /** Soonest due first, at most 500. */
  list(queue: string): Promise<Omit<AppJobScheduler, 'queueName'>[]>;
  /** All of them; remembered for some seconds, because the board asks with every poll. */
  count(queue: string): Promise<number>;
  /** Disables the stream. False: no such schedule. */
  remove(queue: string, id: string): Promise<boolean>;
  update(queue: string, id: string, repeat: JobSchedulerRepeatOptions): Promise<JobSchedulerUpdateResult>;
  /** The job of the run that stands for it; `input.invalid` when the stream may not run (paused, parked, …). */
  runNow(queue: string, id: string): Promise<JobView | 'not-found'>;
}

export function createBoardSchedulers(_deps: SchedulersDeps): BoardSchedulers {
  throw new AppError('internal', 'not built yet');
}
