// Integrations: users' accounts on platforms, with their streams. Credentials go in and never come out.

import { z } from 'zod';
import { operation } from './define.ts';
import { errorReport } from './jobs.ts';
import { grantState } from './oauth.ts';
import { id, instant, instantIn, pageOf, pageQuery, scheduleIn } from './words.ts';

const STATUSES = ['pending', 'connected', 'error', 'disconnected'] as const;

const stream = z
  .object({
    stream: z.string(),
    enabled: z.boolean(),
    status: z.enum(['active', 'parked', 'gone']),
    statusCode: z.string().nullable(),
    statusMessage: z.string().nullable(),
    intervalMinutes: z.number().nullable(),
    cron: z.string().nullable(),
    timezone: z.string().nullable(),
    nextSyncAt: instant.nullable(),
    lastFullAt: instant.nullable(),
    lastSuccessAt: instant.nullable(),
  })
  .meta({ id: 'Stream' });

const integration = z
  .object({
    id,
    userId: id,
    platform: z.string(),
    externalAccountId: z.string().nullable(),
    displayName: z.string().nullable(),
    settings: z.unknown(),
    status: z.enum(STATUSES),
    statusCode: z.string().nullable(),
    statusMessage: z.string().nullable(),
    pausedAt: instant.nullable(),
    intervalMinutes: z.number().nullable(),
    cron: z.string().nullable(),
    timezone: z.string().nullable(),
    lastSyncAt: instant.nullable(),
    nextSyncAt: instant.nullable(),
    createdAt: instant,
  })
  .meta({ id: 'Integration' });

const credentials = z
  .record(z.string(), z.unknown())
  .meta({ description: 'As the platform’s README says; sealed at once, and shown to nobody' });
const platform = z.string().min(1).max(50).meta({ description: 'Such as `upwork`' });

const tag = 'integrations';
const path = '/v1/integrations/{integrationId}';
const params = z.strictObject({ integrationId: id });
const changed = z.object({ changed: z.boolean() });
const triggeredRun = z.object({
  stream: z.string(),
  runId: id,
  coalesced: z.boolean().meta({ description: 'An existing run that has not begun stands for this one' }),
});

export const integrationOperations = {
  listIntegrations: operation({
    method: 'GET',
    path: '/v1/integrations',
    scope: 'read',
    tag,
    summary: 'Integrations, oldest first',
    query: z.strictObject({
      ...pageQuery,
      userId: id.optional(),
      platform: platform.optional(),
      status: z.enum(STATUSES).optional(),
    }),
    answer: pageOf(integration),
  }),
  createIntegration: operation({
    method: 'POST',
    path: '/v1/integrations',
    scope: 'admin',
    tag,
    summary: 'Connect an account; its first sync is due at once',
    body: z.strictObject({
      userId: id,
      platform,
      credentials,
      settings: z.record(z.string(), z.unknown()).default({}),
      schedule: scheduleIn.optional(),
      displayName: z.string().trim().min(1).max(255).optional().meta({ description: 'Default: as the platform says' }),
    }),
    status: 201,
    answer: integration,
  }),
  getIntegration: operation({
    method: 'GET',
    path,
    scope: 'read',
    tag,
    summary: 'One integration with its streams',
    params,
    answer: integration.extend({ streams: z.array(stream), ...grantState }),
  }),
  removeIntegration: operation({
    method: 'DELETE',
    path,
    scope: 'admin',
    tag,
    summary: 'Remove an integration with everything that was synced for it',
    params,
    status: 204,
    answer: z.undefined(),
  }),
  setIntegrationSchedule: operation({
    method: 'PUT',
    path: `${path}/schedule`,
    scope: 'operate',
    tag,
    summary: 'When all its streams are synced',
    params,
    body: scheduleIn,
    answer: integration,
  }),
  pauseIntegration: operation({
    method: 'POST',
    path: `${path}/pause`,
    scope: 'operate',
    tag,
    summary: 'Fetch nothing until it is resumed; a run in hand ends as usual',
    params,
    answer: changed,
  }),
  resumeIntegration: operation({
    method: 'POST',
    path: `${path}/resume`,
    scope: 'operate',
    tag,
    summary: 'Go on, at once',
    params,
    answer: changed,
  }),
  replaceCredentials: operation({
    method: 'PUT',
    path: `${path}/credentials`,
    scope: 'admin',
    tag,
    summary: 'Replace the credentials and connect the integration again',
    params,
    body: z.strictObject({ credentials }),
    answer: z.object({ version: z.int() }),
  }),
  testIntegration: operation({
    method: 'POST',
    path: `${path}/test`,
    scope: 'operate',
    tag,
    summary: 'Ask the platform whether the credentials work; a worker does it, within ten seconds or later',
    params,
    answer: z.object({
      jobId: id,
      outcome: z.enum(['ok', 'refused', 'unfinished']).meta({ description: '`unfinished`: look at the job later' }),
      account: z.object({ externalAccountId: z.string(), displayName: z.string() }).nullable(),
      error: errorReport.nullable(),
    }),
    idempotent: false,
  }),
  syncIntegration: operation({
    method: 'POST',
    path: `${path}/sync`,
    scope: 'enqueue',
    tag,
    summary: 'Fetch now',
    params,
    body: z.union([
      z.undefined().transform(() => ({ stream: undefined, full: undefined })),
      z.strictObject({
        stream: z.string().min(1).max(100).optional().meta({ description: 'Default: every active stream' }),
        full: z.boolean().optional().meta({ description: 'Everything, not only what changed' }),
      }),
    ]),
    status: 202,
    answer: z.object({
      batchId: id,
      runs: z.array(triggeredRun),
    }),
  }),
};

const streamParams = z.strictObject({ integrationId: id, stream: z.string().min(1).max(100) });
const streamPath = `${path}/streams/{stream}`;

export const streamOperations = {
  listStreams: operation({
    method: 'GET',
    path: `${path}/streams`,
    scope: 'read',
    tag,
    summary: 'The streams of an integration',
    params,
    answer: z.object({ items: z.array(stream) }),
  }),
  setStream: operation({
    method: 'PATCH',
    path: streamPath,
    scope: 'operate',
    tag,
    summary: 'Change schedule or state of a stream',
    params: streamParams,
    body: z
      .strictObject({
        schedule: scheduleIn.optional(),
        enabled: z.boolean().optional(),
        unpark: z.literal(true).optional().meta({ description: 'Try again after a person acted' }),
      })
      .refine(
        (body) => Object.values(body).some((value) => value !== undefined),
        'expected schedule, enabled or unpark',
      ),
    answer: stream,
  }),
  resetStream: operation({
    method: 'POST',
    path: `${streamPath}/reset`,
    scope: 'operate',
    tag,
    summary: 'Forget the position: the next run reads everything',
    params: streamParams,
    answer: stream,
  }),
  backfillStream: operation({
    method: 'POST',
    path: `${streamPath}/backfill`,
    scope: 'operate',
    tag,
    summary: 'Read a window of the past again; the position of the usual syncs stays where it is',
    params: streamParams,
    body: z.strictObject({
      from: instantIn.meta({ description: 'Instant, ISO 8601; inclusive' }),
      to: instantIn.optional().meta({ description: 'Instant, ISO 8601; exclusive. Default: when the run begins' }),
    }),
    status: 202,
    answer: z.object({ batchId: id, ...triggeredRun.shape }),
  }),
};
