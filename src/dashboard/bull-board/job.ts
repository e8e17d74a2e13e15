// A queue job in the form that Bull Board renders, and what can be done with it. Nothing is shown before secrets are out
// of it.

import type { QueueJob, QueueJobJson } from '@bull-board/api/dist/types.js';
import type { JobView } from '../../../queues/port.ts';
import { AppError } from '../../core/errors.ts';
import { redacted, redactedReport, redactedText } from '../../telemetry/redacted.ts';
import type { BoardDeps } from './deps.ts';

const BOARD_STATES = {
  waiting: 'waiting',
  delayed: 'delayed',
  active: 'active',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'failed',
  dead: 'failed',
} as const;

/** The board draws a circle of `progress`, and shows the whole of it to whoever asks. */
function progressOf({ progress }: JobView): QueueJobJson['progress'] {
  if (progress === null) return 0;
  const { fraction, note } = progress;
  return { progress: Math.round(fraction * 100), note: redactedText(note) };
}

function toJson(job: JobView): QueueJobJson {
  const error = job.error === null ? null : redactedReport(job.error);
  const delay = Math.max(0, job.runAt.getTime() - job.createdAt.getTime());
  const reason = error === null ? '' : `${error.code}: ${error.message}`;
  return {
    id: job.id,
    name: job.kind,
    data: redacted(job.payload),
    // A copy of the job is added with them: only what the board's form knows.
    // A delay that differs from the one there would be called a changed one.
    opts: { attempts: job.maxAttempts, priority: job.priority, ...(job.state === 'delayed' ? { delay } : {}) },
    progress: progressOf(job),
    attemptsMade: job.attempts,
    attemptsStarted: job.attempts + job.takeovers,
    stalledCounter: job.takeovers,
    timestamp: job.createdAt.getTime(),
    processedOn: job.startedAt?.getTime() ?? null,
    finishedOn: job.finishedAt?.getTime() ?? null,
    processedBy: job.workerId,
    delay,
    priority: job.priority,
    failedReason: job.state === 'cancelled' ? 'cancelled' : reason,
    stacktrace: error === null ? [] : [JSON.stringify(error, null, 2)],
    returnvalue: redacted(job.result) ?? null,
  };
}

/** Why a job cannot be retried. */
const NO_RETRY: Readonly<Partial<Record<JobView['state'], string>>> = {
  cancelled: 'it was cancelled; duplicate it',
  failed: 'another job does its work since it was retried',
  dead: 'another unfinished job has its unique key, or its run cannot begin again',
};

function refused(verb: 'promote' | 'retry', { id, state }: JobView): AppError {
  const reason = verb === 'retry' ? (NO_RETRY[state] ?? `it is ${state}`) : `it is ${state}, not delayed`;
  return new AppError('api.conflict', `cannot ${verb} the job ${id}: ${reason}`);
}

export function toBoardJob(job: JobView, { queue }: Pick<BoardDeps, 'queue'>): QueueJob {
  return {
    opts: { delay: Math.max(0, job.runAt.getTime() - job.createdAt.getTime()) },
    async promote() {
      if (!(await queue.promote(job.id))) throw refused('promote', job);
    },
    async remove() {
      await queue.remove(job.id);
    },
    async retry() {
      if (!(await queue.retry(job.id))) throw refused('retry', job);
    },
    toJSON: () => toJson(job),
    getState: async () => BOARD_STATES[job.state],
  };
}
