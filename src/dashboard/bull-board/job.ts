// A queue job in the form that Bull Board renders. The board shows what the port gives it; payloads hold ids only.

import type { QueueJob, QueueJobJson } from '@bull-board/api/dist/types.js';
import { AppError } from '../../core/errors.ts';
import type { JobView } from '../../../queues/port.ts';

const BOARD_STATES = {
  waiting: 'waiting',
  delayed: 'delayed',
  active: 'active',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'failed',
  dead: 'failed',
} as const;

function failedReason({ state, error }: JobView): string {
  if (state === 'cancelled') return 'cancelled';
  return error === null ? '' : `${error.code}: ${error.message}`;
}

function toJson(job: JobView): QueueJobJson {
  return {
    id: job.id,
    name: job.kind,
    data: job.payload,
    opts: { attempts: job.maxAttempts, priority: job.priority },
    progress: job.progress === null ? 0 : Math.round(job.progress.fraction * 100),
    attemptsMade: job.attempts,
    attemptsStarted: job.attempts + job.takeovers,
    stalledCounter: job.takeovers,
    timestamp: job.createdAt.getTime(),
    processedOn: job.startedAt?.getTime() ?? null,
    finishedOn: job.finishedAt?.getTime() ?? null,
    processedBy: job.workerId,
    delay: Math.max(0, job.runAt.getTime() - job.createdAt.getTime()),
    priority: job.priority,
    failedReason: failedReason(job),
    stacktrace: job.error === null ? [] : [JSON.stringify(job.error, null, 2)],
    returnvalue: job.result ?? null,
  };
}

/** Thrown by every verb of the read-only board; the board itself answers 405 before it gets here. */
export function readOnly(): never {
  throw new AppError('api.forbidden', 'this board is read-only');
}

export function toBoardJob(job: JobView): QueueJob {
  return {
    opts: { delay: Math.max(0, job.runAt.getTime() - job.createdAt.getTime()) },
    promote: readOnly,
    remove: readOnly,
    retry: readOnly,
    toJSON: () => toJson(job),
    getState: async () => BOARD_STATES[job.state],
  };
}
