// Schedules of streams as the board's job schedulers: each sync queue shows those of its platforms. An id is
// `<integrationId>:<stream>`. Nothing else fires by a schedule of its own: rollups and refreshes follow from what is in
// Postgres. So `metrics`, `maintenance` and dead letters have none.

import type {
  AppJobScheduler,
  JobSchedulerRepeatOptions,
  JobSchedulerUpdateResult,
} from '@bull-board/api/dist/types.js';
import { MINUTE_MS, SECOND_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import { isUuid } from '../../core/ids.ts';
import type { PlatformId } from '../../core/platforms.ts';
import type { Queryable, Tx } from '../../db/database.ts';
import { FALLBACK_INTERVAL_MINUTES } from '../../scheduler/next-fire.ts';
import { setSchedule } from '../../scheduler/set-schedule.ts';
import { triggerIn, type TriggerDeps } from '../../scheduler/trigger.ts';
import { findJobOfRun } from '../../store/runs.ts';
import {
  countStreamSchedules,
  findJobOfStream,
  hasStreamSchedule,
  listStreamSchedules,
  type StreamSchedule,
} from '../../store/stream-schedules.ts';
import { disableStream, type Schedule, type StreamKey } from '../../store/streams.ts';
import { platformsOf } from '../../../queues/catalog.ts';
import type { JobQueue, JobView } from '../../../queues/port.ts';

export interface SchedulersDeps extends Omit<TriggerDeps, 'queue'> {
  readonly queue: Pick<JobQueue, 'enqueueMany' | 'get'>;
}

type JobScheduler = Omit<AppJobScheduler, 'queueName'>;

/** `queue` is always the adapter's name. */
export interface BoardSchedulers {
  /** Soonest due first, at most 500; those that cannot fire (parked, paused) last and without a `next`. */
  list(queue: string): Promise<JobScheduler[]>;
  /** All of them; remembered for some seconds, because the board asks with every poll. */
  count(queue: string): Promise<number>;
  /** Disables the stream. False: no such schedule. */
  remove(queue: string, id: string): Promise<boolean>;
  update(queue: string, id: string, repeat: JobSchedulerRepeatOptions): Promise<JobSchedulerUpdateResult>;
  /** The job of the run that stands for it; `input.invalid` when the stream may not run (paused, parked, …). */
  runNow(queue: string, id: string): Promise<JobView | 'not-found'>;
}

const LIST_LIMIT = 500;
const COUNT_AGAIN_MS = 10 * SECOND_MS;
const OPS = { kind: 'ops' } as const;

function toScheduler(schedule: StreamSchedule): JobScheduler {
  const { integrationId, stream, userId, platformId, status, intervalMinutes, cron, timezone } = schedule;
  const { nextSyncAt, lastStartedAt } = schedule;
  const every = (intervalMinutes ?? FALLBACK_INTERVAL_MINUTES) * MINUTE_MS;
  return {
    id: `${integrationId}:${stream}`,
    name: 'sync.run',
    ...(cron === null ? { every } : { pattern: cron, ...(timezone === null ? {} : { tz: timezone }) }),
    ...(nextSyncAt === null ? {} : { next: nextSyncAt.getTime() }),
    ...(lastStartedAt === null ? {} : { lastRun: lastStartedAt.getTime() }),
    template: { data: { platform: platformId, stream, integrationId, userId, status } },
  };
}

/** Null: no id of ours. */
function keyOf(id: string): StreamKey | null {
  const at = id.indexOf(':');
  const integrationId = id.slice(0, Math.max(0, at));
  return isUuid(integrationId) ? { integrationId, stream: id.slice(at + 1) } : null;
}

/** Null: not one that a stream can have. The board's number of runs and its last day mean nothing here. */
function scheduleOf({ pattern, every, tz, limit, endDate }: JobSchedulerRepeatOptions): Schedule | null {
  if (limit !== undefined || endDate !== undefined) return null;
  if (pattern !== undefined) return { cron: pattern, timezone: tz ?? null };
  return every === undefined ? null : { intervalMinutes: every / MINUTE_MS };
}

function createCounts({ db, clock }: SchedulersDeps): (platforms: readonly PlatformId[]) => Promise<number> {
  let known: { readonly at: number; readonly counts: ReturnType<typeof countStreamSchedules> } | undefined;
  return async (platforms) => {
    if (known === undefined || clock.mono() - known.at > COUNT_AGAIN_MS) {
      const asked = { at: clock.mono(), counts: db.tx(OPS, (tx) => countStreamSchedules(tx)) };
      // All queues ask at once: they share one question, and one that failed is asked again.
      asked.counts.catch(() => (known = known === asked ? undefined : known));
      known = asked;
    }
    const counts = await known.counts;
    return platforms.reduce((sum, platform) => sum + (counts.get(platform) ?? 0), 0);
  };
}

/** The job of this run, or of the run under way that this one will follow. */
async function jobOf(tx: Queryable, key: StreamKey, runId: string): Promise<string> {
  const jobId = (await findJobOfRun(tx, runId)) ?? (await findJobOfStream(tx, key));
  if (jobId === null) throw new AppError('not_found', `expected an unfinished job of run ${runId}, found none`);
  return jobId;
}

export function createBoardSchedulers(deps: SchedulersDeps): BoardSchedulers {
  const { db, queue: jobs, clock } = deps;
  const count = createCounts(deps);

  /** Null: no such schedule in this queue. */
  function withSchedule<T>(queue: string, id: string, work: (tx: Tx, key: StreamKey) => Promise<T>): Promise<T | null> {
    const key = keyOf(id);
    if (key === null) return Promise.resolve(null);
    return db.tx(OPS, async (tx) => ((await hasStreamSchedule(tx, key, platformsOf(queue))) ? work(tx, key) : null));
  }

  return {
    async list(queue) {
      const platforms = platformsOf(queue);
      if (platforms.length === 0) return [];
      return (await db.tx(OPS, (tx) => listStreamSchedules(tx, platforms, LIST_LIMIT))).map(toScheduler);
    },

    async count(queue) {
      const platforms = platformsOf(queue);
      return platforms.length === 0 ? 0 : await count(platforms);
    },

    async remove(queue, id) {
      return (await withSchedule(queue, id, (tx, key) => disableStream(tx, key, clock.now()))) ?? false;
    },

    async update(queue, id, repeat) {
      const schedule = scheduleOf(repeat);
      if (schedule === null) return 'invalid-schedule';
      try {
        const isSet = await withSchedule(queue, id, (tx, key) => setSchedule(tx, key, { schedule, now: clock.now() }));
        return isSet === true ? 'updated' : 'not-found';
      } catch (error) {
        if (error instanceof AppError && error.code === 'input.invalid') return 'invalid-schedule';
        throw error;
      }
    },

    async runNow(queue, id) {
      const jobId = await withSchedule(queue, id, async (tx, key) => {
        const { runs } = await triggerIn(tx, { ...deps, queue: jobs }, { ...key, trigger: 'manual' });
        return await jobOf(tx, key, runs[0]!.runId);
      });
      return jobId === null ? 'not-found' : ((await jobs.get(jobId)) ?? 'not-found');
    },
  };
}
