// Queue jobs: enqueued by other services, watched and put right by operators.

import { z } from 'zod';
import { operation } from './define.ts';
import { id, instant, instantIn, pageOf, pageQuery } from './words.ts';

const JOB_STATES = ['waiting', 'delayed', 'active', 'completed', 'failed', 'cancelled', 'dead'] as const;
const WORK_CLASSES = ['interactive', 'incremental', 'backfill'] as const;
const MAX_BULK = 1_000;
const BULK_BYTES = 5 * 1024 * 1024;
const MAX_PRIORITY = 100_000;

const jobRequest = z
  .strictObject({
    kind: z.string().min(1).max(100).meta({ description: 'Such as `sync.run`; an unknown one is refused' }),
    payload: z.record(z.string(), z.unknown()).meta({ description: 'As the kind wants it; ids only, never secrets' }),
    queue: z.string().max(100).optional().meta({ description: 'Default: the usual queue of the kind' }),
    uniqueKey: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .meta({ description: 'While a job of the kind with this key is unfinished, a second one is not created' }),
    userId: id.optional().meta({ description: 'Whose job it is; absent: the installation’s' }),
    workClass: z.enum(WORK_CLASSES).optional().meta({ description: 'Default incremental' }),
    priority: z.int().min(-MAX_PRIORITY).max(MAX_PRIORITY).optional().meta({ description: 'Higher first; default 0' }),
    runAt: instantIn.optional().meta({ description: 'Not before' }),
  })
  .meta({ id: 'JobRequest' });

const enqueued = z
  .object({
    jobId: id,
    created: z.boolean().meta({ description: 'False: the unfinished job with this unique key stands for it' }),
  })
  .meta({ id: 'Enqueued' });

const report = z
  .object({
    code: z.string(),
    kind: z.string(),
    message: z.string(),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'ErrorReport' });

export { report as errorReport };

const progress = z.object({ fraction: z.number().meta({ description: '0 to 1' }), note: z.string() });

const job = z
  .object({
    id,
    kind: z.string(),
    queue: z.string(),
    state: z.enum(JOB_STATES),
    payload: z.unknown(),
    userId: id.nullable(),
    workClass: z.enum(WORK_CLASSES),
    priority: z.number(),
    attempts: z.number(),
    takeovers: z.number(),
    maxAttempts: z.number(),
    createdAt: instant,
    runAt: instant,
    startedAt: instant.nullable(),
    finishedAt: instant.nullable(),
    workerId: z.string().nullable(),
    progress: progress.nullable(),
    result: z.unknown(),
    error: report.nullable(),
  })
  .meta({ id: 'Job' });

const logLine = z.object({ at: instant, level: z.enum(['debug', 'info', 'warn', 'error']), line: z.string() });

const count = z.int();

const queue = z
  .object({
    name: z.string(),
    pausedAt: instant.nullable(),
    concurrency: z.number().nullable(),
    rate: z.object({ max: z.number(), perMs: z.number() }).nullable(),
    jobs: z.object({
      waiting: count,
      delayed: count,
      active: count,
      completed: count,
      failed: count,
      cancelled: count,
      dead: count,
    }),
  })
  .meta({ id: 'Queue' });

const tag = 'jobs';
const params = z.strictObject({ jobId: id });
const queueParams = z.strictObject({ queue: z.string().min(1).max(100) });
const changed = z.object({ changed: z.boolean() });

export const jobOperations = {
  enqueueJob: operation({
    method: 'POST',
    path: '/v1/jobs',
    scope: 'enqueue',
    tag,
    summary: 'Enqueue a job',
    body: jobRequest,
    status: 201,
    answer: enqueued,
  }),
  enqueueJobs: operation({
    method: 'POST',
    path: '/v1/jobs/bulk',
    scope: 'enqueue',
    tag,
    summary: 'Enqueue up to 1,000 jobs, all or none',
    body: z.strictObject({ jobs: z.array(jobRequest).min(1).max(MAX_BULK) }),
    bodyLimit: BULK_BYTES,
    status: 201,
    answer: z.object({ jobs: z.array(enqueued).meta({ description: 'In the order of the request' }) }),
  }),
  listJobs: operation({
    method: 'GET',
    path: '/v1/jobs',
    scope: 'read',
    tag,
    summary: 'Jobs, newest first',
    query: z.strictObject({
      ...pageQuery,
      queue: z.string().max(100).optional(),
      state: z.enum(JOB_STATES).optional(),
      kind: z.string().max(100).optional(),
      userId: id.optional(),
    }),
    answer: pageOf(job),
  }),
  getJob: operation({
    method: 'GET',
    path: '/v1/jobs/{jobId}',
    scope: 'read',
    tag,
    summary: 'One job',
    params,
    answer: job,
  }),
  getJobLogs: operation({
    method: 'GET',
    path: '/v1/jobs/{jobId}/logs',
    scope: 'read',
    tag,
    summary: 'What a job said, oldest first; kept for a week, at most 1,000 lines',
    params,
    answer: z.object({ lines: z.array(logLine) }),
  }),
  cancelJob: operation({
    method: 'POST',
    path: '/v1/jobs/{jobId}/cancel',
    scope: 'operate',
    tag,
    summary: 'Cancel a job and the run it stands for; one in hand is told to stop',
    params,
    answer: changed,
  }),
  retryJob: operation({
    method: 'POST',
    path: '/v1/jobs/{jobId}/retry',
    scope: 'operate',
    tag,
    summary: 'Put a dead letter back; a dead sync begins a new run',
    params,
    answer: changed,
  }),
  listQueues: operation({
    method: 'GET',
    path: '/v1/queues',
    scope: 'read',
    reach: 'installation',
    tag,
    summary: 'Every queue with its jobs by state and what an operator set for it',
    answer: z.object({ items: z.array(queue) }),
  }),
  pauseQueue: operation({
    method: 'POST',
    path: '/v1/queues/{queue}/pause',
    scope: 'operate',
    reach: 'installation',
    tag,
    summary: 'Start nothing of a queue; what is in hand goes on',
    params: queueParams,
    answer: changed,
  }),
  resumeQueue: operation({
    method: 'POST',
    path: '/v1/queues/{queue}/resume',
    scope: 'operate',
    reach: 'installation',
    tag,
    summary: 'Go on with a queue',
    params: queueParams,
    answer: changed,
  }),
};
