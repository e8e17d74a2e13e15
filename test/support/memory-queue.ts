// The queue port over a list in memory: for tests of what shows jobs, where no engine is needed. It never runs anything.

import { AppError } from '../../src/core/errors.ts';
import { uuidv7 } from '../../src/core/ids.ts';
import { QUEUES } from '../../queues/catalog.ts';
import type { JobQueue, JobView } from '../../queues/port.ts';
import { JOB_STATES, type JobState } from '../../queues/states.ts';

/** A job as the port shows it; give what the test is about. */
export function jobView(given: Partial<JobView> & Pick<JobView, 'queue' | 'state'>): JobView {
  const at = new Date('2026-03-01T12:00:00Z');
  return {
    id: uuidv7(),
    kind: 'sync.run',
    payload: { runId: uuidv7() },
    userId: null,
    workClass: 'incremental',
    priority: 0,
    attempts: 1,
    takeovers: 0,
    maxAttempts: 8,
    createdAt: at,
    runAt: at,
    startedAt: at,
    finishedAt: null,
    workerId: null,
    progress: null,
    result: null,
    error: null,
    ...given,
  };
}

const refuse = async (): Promise<never> => {
  throw new AppError('internal', 'this queue only shows jobs');
};

export function memoryQueue(jobs: readonly JobView[]): JobQueue {
  return {
    enqueue: refuse,
    enqueueMany: refuse,
    cancel: refuse,
    retry: refuse,
    promote: refuse,
    remove: refuse,
    clean: refuse,
    get: async (id) => jobs.find((job) => job.id === id) ?? null,
    list: async ({ queue, states, limit = 50, offset = 0 }) =>
      jobs
        .filter((job) => (queue === undefined || job.queue === queue) && (states?.includes(job.state) ?? true))
        .slice(offset, offset + limit),
    counts: async (queue) =>
      Object.fromEntries(
        JOB_STATES.map((state) => [state, jobs.filter((job) => job.queue === queue && job.state === state).length]),
      ) as Record<JobState, number>,
    logs: async () => [],
    pause: refuse,
    resume: refuse,
    limit: refuse,
    controls: async () => QUEUES.map((queue) => ({ queue, pausedAt: null, concurrency: null, rate: null })),
    previewReplay: refuse,
    replay: refuse,
  };
}
