// /v1/jobs and /v1/queues: enqueued by services, put right by operators.

import { z } from 'zod';
import { KINDS, QUEUES, requireQueue, type JobKind } from '../../../queues/catalog.ts';
import type { JobPlace, JobRequest, JobView } from '../../../queues/port.ts';
import { parsePayload } from '../../../queues/payload.ts';
import { AppError, toAppError } from '../../core/errors.ts';
import { cancelJob } from '../../scheduler/cancel-job.ts';
import type { ApiDeps, Call, Handlers } from '../call.ts';
import type { BodyOf } from '../contract/operation.ts';
import type { jobOperations } from '../contract/jobs.ts';
import { decodeCursor, pageOfRows } from '../cursor.ts';
import { redacted, redactedReport, redactedText } from '../../telemetry/redacted.ts';
import { iso } from '../shown.ts';

type Names = keyof typeof jobOperations;
type Wanted = BodyOf<(typeof jobOperations)['enqueueJob']>;

const cursorPlace = z.tuple([z.iso.datetime(), z.uuid()]);
/** Before the newest job there can be. */
const START: JobPlace = { createdAt: new Date('9999-01-01T00:00:00Z'), id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };

function show({ createdAt, runAt, startedAt, finishedAt, payload, result, error, progress, ...job }: JobView) {
  return {
    ...job,
    payload: redacted(payload) ?? null,
    result: redacted(result) ?? null,
    error: error === null ? null : redactedReport(error),
    progress: progress === null ? null : { ...progress, note: redactedText(progress.note) },
    createdAt: createdAt.toISOString(),
    runAt: runAt.toISOString(),
    startedAt: iso(startedAt),
    finishedAt: iso(finishedAt),
  };
}

/** Throws `api.forbidden` where a tenant names another user: existing or not is nothing that he learns. */
function assertOwn(tenant: string, named: readonly unknown[]): void {
  if (named.every((userId) => userId === undefined || userId === tenant)) return;
  throw new AppError('api.forbidden', 'expected no other user than the one whose token this is');
}

/** A tenant's jobs are his, and his unique keys meet nobody else's. */
function ownedBy(tenant: string | null, { userId, uniqueKey, payload }: Wanted) {
  if (tenant === null) return { userId: userId ?? null, ...(uniqueKey === undefined ? {} : { uniqueKey }) };
  assertOwn(tenant, [userId, payload['userId']]);
  return { userId: tenant, ...(uniqueKey === undefined ? {} : { uniqueKey: `${tenant}:${uniqueKey}` }) };
}

/** As the queue takes it. Throws `queue.unknown_kind`, `queue.payload_invalid`, `usage.invalid`, `api.forbidden`. */
function requestOf(wanted: Wanted, tenant: string | null): JobRequest {
  const { kind, payload, queue, userId: _userId, uniqueKey: _uniqueKey, ...rest } = wanted;
  const parsed = parsePayload(kind, payload);
  return {
    ...parsed,
    ...ownedBy(tenant, wanted),
    ...(queue === undefined ? {} : { queue: requireQueue(queue) }),
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
  };
}

/** One bad job refuses all of them; the caller is told which. */
function requestsOf(jobs: readonly Wanted[], tenant: string | null): readonly JobRequest[] {
  return jobs.map((job, index) => {
    try {
      return requestOf(job, tenant);
    } catch (error) {
      const { code, message } = toAppError(error);
      throw new AppError(code, `body.jobs.${index}: ${message}`);
    }
  });
}

const isDerived = (kind: string): boolean => KINDS[kind as JobKind].derived;

export function jobRoutes(deps: ApiDeps): Handlers<Names> {
  const { queue, db, clock } = deps;

  /** A derived job may be added twice without harm, and takes no transaction. */
  const txOf = ({ tx }: Pick<Call<never>, 'tx'>, requests: readonly JobRequest[]) =>
    tx === null || requests.some(({ kind }) => isDerived(kind)) ? undefined : { tx };

  /** Throws `not_found`, also for a job that is not the tenant's. */
  async function requireJob(jobId: string, tenant: string | null): Promise<JobView> {
    const job = await queue.get(jobId);
    if (job !== null && (tenant === null || job.userId === tenant)) return job;
    throw new AppError('not_found', `no job has the id ${jobId}`);
  }

  return {
    async enqueueJob(call) {
      const request = requestOf(call.body, call.tenant);
      return await queue.enqueue(request, txOf(call, [request]));
    },
    async enqueueJobs(call) {
      const requests = requestsOf(call.body.jobs, call.tenant);
      return { jobs: [...(await queue.enqueueMany(requests, txOf(call, requests)))] };
    },
    async listJobs({ query: { limit, cursor, state, ...filter }, tenant }) {
      if (tenant !== null && filter.userId !== undefined && filter.userId !== tenant)
        return { items: [], nextCursor: null };
      const [createdAt, id] = cursor === undefined ? [] : decodeCursor(cursor, cursorPlace);
      const after = createdAt === undefined || id === undefined ? START : { createdAt: new Date(createdAt), id };
      const only = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
      const states = state === undefined ? {} : { states: [state] };
      const mine = tenant === null ? {} : { userId: tenant };
      const jobs = await queue.list({ ...only, ...mine, ...states, after, limit: limit + 1 });
      return pageOfRows(jobs, limit, { show, place: (job) => [job.createdAt.toISOString(), job.id] });
    },
    async getJob({ params: { jobId }, tenant }) {
      return show(await requireJob(jobId, tenant));
    },
    async getJobLogs({ params: { jobId }, tenant }) {
      if (tenant !== null) await requireJob(jobId, tenant);
      const lines = await queue.logs(jobId);
      return { lines: lines.map(({ at, level, line }) => ({ at: at.toISOString(), level, line: redactedText(line) })) };
    },
    async cancelJob({ params: { jobId }, tenant }) {
      if (tenant !== null) await requireJob(jobId, tenant);
      if (!(await cancelJob({ db, queue, clock }, jobId)))
        throw new AppError('not_found', `no unfinished job has the id ${jobId}`);
      return { changed: true };
    },
    async retryJob({ params: { jobId }, tenant }) {
      if (tenant !== null) await requireJob(jobId, tenant);
      if (!(await queue.retry(jobId)))
        throw new AppError('not_found', `no dead job that may run again has the id ${jobId}`);
      return { changed: true };
    },
    ...queueRoutes(deps),
  };
}

function queueRoutes({ queue }: ApiDeps): Handlers<'listQueues' | 'pauseQueue' | 'resumeQueue'> {
  return {
    async listQueues() {
      const controls = new Map((await queue.controls()).map((set) => [set.queue, set]));
      const items = [];
      for (const name of QUEUES) {
        const { pausedAt = null, concurrency = null, rate = null } = controls.get(name) ?? {};
        items.push({ name, pausedAt: iso(pausedAt), concurrency, rate, jobs: await queue.counts(name) });
      }
      return { items };
    },
    async pauseQueue({ params }) {
      await queue.pause(requireQueue(params.queue));
      return { changed: true };
    },
    async resumeQueue({ params }) {
      await queue.resume(requireQueue(params.queue));
      return { changed: true };
    },
  };
}
