// Runs: one pass over one stream of one integration each; watched while they go on.

import { z } from 'zod';
import { eventStream, operation } from './define.ts';
import { errorReport } from './jobs.ts';
import { id, instant, pageOf, pageQuery } from './words.ts';

const RUN_STATUSES = ['pending', 'queued', 'running', 'waiting', 'success', 'partial', 'failed', 'cancelled'] as const;

const count = z.int();

const run = z
  .object({
    id,
    userId: id,
    integrationId: id,
    stream: z.string(),
    syncType: z.enum(['full', 'incremental', 'backfill']),
    trigger: z.string(),
    workClass: z.string(),
    window: z
      .object({ from: instant, to: instant.nullable() })
      .nullable()
      .meta({ description: 'Of a backfill; `to` null: when it begins' }),
    batchId: id.nullable(),
    status: z.enum(RUN_STATUSES),
    recordsRequested: count,
    recordsSynced: count,
    recordsChanged: count,
    recordsFailed: count,
    recordsDuplicate: count,
    requests: count,
    pages: count,
    slices: count,
    percent: z.number().nullable().meta({ description: '0 to 100; null: nobody can tell' }),
    errors: z.array(errorReport),
    errorMessage: z.string().nullable(),
    createdAt: instant,
    startedAt: instant.nullable(),
    completedAt: instant.nullable(),
    durationSeconds: z.number().nullable(),
  })
  .meta({ id: 'Run' });

const tag = 'runs';
const params = z.strictObject({ runId: id });

export const runOperations = {
  listRuns: operation({
    method: 'GET',
    path: '/v1/runs',
    scope: 'read',
    tag,
    summary: 'Runs, newest first',
    query: z.strictObject({
      ...pageQuery,
      userId: id.optional(),
      integrationId: id.optional(),
      stream: z.string().max(100).optional(),
      batchId: id.optional(),
      status: z.enum(RUN_STATUSES).optional(),
    }),
    answer: pageOf(run),
  }),
  getRun: operation({
    method: 'GET',
    path: '/v1/runs/{runId}',
    scope: 'read',
    tag,
    summary: 'One run with its errors and its progress',
    params,
    answer: run,
  }),
  cancelRun: operation({
    method: 'POST',
    path: '/v1/runs/{runId}/cancel',
    scope: 'operate',
    tag,
    summary: 'Cancel a run; one that is worked on stops at the next page',
    params,
    answer: z.object({ changed: z.boolean() }),
  }),
  runEvents: eventStream({
    method: 'GET',
    path: '/v1/runs/{runId}/events',
    scope: 'read',
    tag,
    summary: 'The run whenever it changes, until it has ended',
    params,
    answer: run,
  }),
};
