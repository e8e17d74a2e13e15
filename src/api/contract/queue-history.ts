// The history of queues: what ended when, how long jobs waited and ran. Kept per minute for 3 days, per hour for 90.

import { z } from 'zod';
import { operation } from './define.ts';
import { instant, instantIn } from './words.ts';

const tag = 'queues';
const params = z.strictObject({ queue: z.string().min(1).max(100) });

const GRANULARITIES = ['minute', 'hour', 'day'] as const;
const granularity = z.enum(GRANULARITIES).meta({ description: 'Length of a period; periods begin in UTC' });

const span = {
  from: instantIn.optional().meta({ description: 'Default: a day before `to`' }),
  to: instantIn.optional().meta({ description: 'Default: now' }),
  granularity: granularity.default('hour'),
};

const count = z.int().min(0);
const milliseconds = z.number().min(0);

export const queueHistoryPoint = z
  .object({
    start: instant,
    completed: count,
    failed: count.meta({ description: 'Jobs that ended dead' }),
    cancelled: count,
    retried: count.meta({ description: 'Attempts that failed and came again' }),
    oldestReadyMs: milliseconds.meta({ description: 'Age of the oldest waiting job at its worst' }),
  })
  .meta({ id: 'QueueHistoryPoint' });

export const queueLatencyPoint = z
  .object({
    start: instant,
    count: count.meta({ description: 'Attempts behind this point' }),
    meanMs: milliseconds,
    minMs: milliseconds,
    maxMs: milliseconds,
    p50Ms: milliseconds,
    p95Ms: milliseconds,
    p99Ms: milliseconds,
  })
  .meta({ id: 'QueueLatencyPoint' });

export const queueHistoryOperations = {
  queueHistory: operation({
    method: 'GET',
    path: '/v1/queues/{queue}/history',
    scope: 'read',
    reach: 'installation',
    tag,
    summary: 'What ended in a queue, period by period, oldest first',
    params,
    query: z.strictObject(span),
    answer: z.object({ queue: z.string(), granularity, items: z.array(queueHistoryPoint) }),
  }),
  queueLatency: operation({
    method: 'GET',
    path: '/v1/queues/{queue}/latency',
    scope: 'read',
    reach: 'installation',
    tag,
    summary: 'How long jobs of a queue waited or ran, period by period, oldest first; periods without any are left out',
    params,
    query: z.strictObject({
      metric: z.enum(['wait', 'run']).default('run').meta({ description: 'From due to start, or from start to end' }),
      ...span,
    }),
    answer: z.object({ queue: z.string(), granularity, items: z.array(queueLatencyPoint) }),
  }),
};
