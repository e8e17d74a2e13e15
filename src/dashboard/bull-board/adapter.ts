// One queue of ours as a queue of Bull Board, over the queue port: the board cannot tell which engine is below. Who may do
// what was decided before a verb comes here.

import { BaseAdapter } from '@bull-board/api/dist/queueAdapters/base.js';
import type {
  AppJobScheduler,
  JobCleanStatus,
  JobCounts,
  JobSchedulerRepeatOptions,
  JobSchedulerUpdateResult,
  JobStatus,
  MetricsType,
  ObliterateOptions,
  QueueDefaultJobOptions,
  QueueJob,
  QueueJobOptions,
  QueueMetrics,
  QueueRateLimit,
  QueueWorker,
  RedisStats,
  Status,
} from '@bull-board/api/dist/types.js';
import { queueOfDeadLetter, requireQueue, type QueueName } from '../../../queues/catalog.ts';
import type { JobState } from '../../../queues/states.ts';
import { redactedText } from '../../telemetry/redacted.ts';
import { addByHand } from './add-by-hand.ts';
import type { BoardDeps } from './deps.ts';
import { createQueueCleaning, type QueueCleaning, type Retried } from './cleaning.ts';
import { toBoardJob } from './job.ts';
import { defaultOptionsOf, payloadSchemaOf } from './kinds.ts';
import { createQueueLimits, type QueueLimits } from './limits.ts';

/** Which of our states a tab of the board shows. */
export const TABS: Readonly<Partial<Record<Status, readonly JobState[]>>> = {
  active: ['active'],
  waiting: ['waiting'],
  delayed: ['delayed'],
  completed: ['completed'],
  failed: ['failed', 'cancelled', 'dead'],
};

const JOB_STATUSES: JobStatus[] = ['active', 'waiting', 'completed', 'failed', 'delayed'];
/** The board asks for ten rows at a time; nobody needs more than this of one page. */
const PAGE_LIMIT = 200;

export class PortQueueAdapter extends BaseAdapter {
  readonly #name: string;
  readonly #deps: BoardDeps;
  readonly #cleaning: QueueCleaning;
  readonly #limits: QueueLimits;

  constructor(name: string, description: string, deps: BoardDeps) {
    const jobDataSchema = payloadSchemaOf(requireQueue(queueOfDeadLetter(name) ?? name));
    super('bullmq', {
      allowRetries: true,
      allowCompletedRetries: false,
      description,
      ...(jobDataSchema === undefined ? {} : { jobDataSchema }),
    });
    this.#name = name;
    this.#deps = deps;
    this.#limits = createQueueLimits(name, deps);
    this.#cleaning = createQueueCleaning(name, deps);
  }

  getName(): string {
    return this.#name;
  }

  getStatuses(): Status[] {
    return ['latest', ...JOB_STATUSES];
  }

  getJobStatuses(): JobStatus[] {
    return [...JOB_STATUSES];
  }

  async getJobCounts(): Promise<JobCounts> {
    const counts = await this.#deps.queue.counts(this.#name);
    return {
      latest: 0,
      active: counts.active,
      waiting: counts.waiting,
      'waiting-children': 0,
      prioritized: 0,
      completed: counts.completed,
      failed: counts.failed + counts.cancelled + counts.dead,
      delayed: counts.delayed,
      paused: 0,
    };
  }

  /** `end` is inclusive, as the board counts. */
  async getJobs(statuses: JobStatus[], start = 0, end = 9): Promise<QueueJob[]> {
    const states = statuses.flatMap((status) => TABS[status] ?? []);
    const limit = Math.min(PAGE_LIMIT, Math.max(1, end - start + 1));
    const jobs = await this.#deps.queue.list({ queue: this.#name, states, limit, offset: Math.max(0, start) });
    return jobs.map((job) => toBoardJob(job, this.#deps));
  }

  async getJob(id: string): Promise<QueueJob | null> {
    const job = await this.#deps.queue.get(id);
    const isHere = job !== null && job.queue === (queueOfDeadLetter(this.#name) ?? this.#name);
    return isHere ? toBoardJob(job, this.#deps) : null;
  }

  async addJob(name: string, data: unknown, options: QueueJobOptions): Promise<QueueJob> {
    return toBoardJob(await addByHand(this.#deps, this.#base(), { name, payload: data, options }), this.#deps);
  }

  async getJobLogs(id: string): Promise<string[]> {
    const lines = await this.#deps.queue.logs(id);
    return lines.map(({ at, level, line }) => `${at.toISOString()} ${level} ${redactedText(line)}`);
  }

  getMetrics(type: MetricsType, start?: number, end?: number): Promise<QueueMetrics> {
    return this.#deps.minuteMetrics(this.#name, type, start, end);
  }

  isPaused(): Promise<boolean> {
    return this.#limits.isPaused();
  }

  pause(): Promise<void> {
    return this.#limits.pause();
  }

  resume(): Promise<void> {
    return this.#limits.resume();
  }

  getGlobalConcurrency(): Promise<number | null> {
    return this.#limits.concurrency();
  }

  setGlobalConcurrency(concurrency: number): Promise<void> {
    return this.#limits.setConcurrency(concurrency);
  }

  override get supportsGlobalRateLimit(): boolean {
    return queueOfDeadLetter(this.#name) === null;
  }

  override getConfiguredRateLimit(): Promise<QueueRateLimit | null> {
    return this.#limits.rate();
  }

  override setConfiguredRateLimit(rate: QueueRateLimit): Promise<void> {
    return this.#limits.setRate(rate);
  }

  override removeConfiguredRateLimit(): Promise<void> {
    return this.#limits.setRate(null);
  }

  clean(status: JobCleanStatus, graceTimeMs: number): Promise<void> {
    return this.#cleaning.clean(status, graceTimeMs);
  }

  empty(): Promise<void> {
    return this.#cleaning.empty();
  }

  obliterate(options?: ObliterateOptions): Promise<void> {
    return this.#cleaning.obliterate(options?.force === true ? 'cancel-active' : 'spare-active');
  }

  promoteAll(): Promise<void> {
    return this.#cleaning.promoteAll();
  }

  retryAll(): Promise<Retried> {
    return this.#cleaning.retryAll();
  }

  override get supportsJobSchedulerUpdate(): boolean {
    return true;
  }

  override get supportsJobSchedulerRun(): boolean {
    return true;
  }

  getJobSchedulers(): Promise<Omit<AppJobScheduler, 'queueName'>[]> {
    return this.#deps.schedulers.list(this.#name);
  }

  getJobSchedulersCount(): Promise<number> {
    return this.#deps.schedulers.count(this.#name);
  }

  removeJobScheduler(id: string): Promise<boolean> {
    return this.#deps.schedulers.remove(this.#name, id);
  }

  updateJobScheduler(id: string, repeat: JobSchedulerRepeatOptions): Promise<JobSchedulerUpdateResult> {
    return this.#deps.schedulers.update(this.#name, id, repeat);
  }

  async runJobSchedulerNow(id: string): Promise<QueueJob | 'not-found'> {
    const job = await this.#deps.schedulers.runNow(this.#name, id);
    return job === 'not-found' ? job : toBoardJob(job, this.#deps);
  }

  /** Null: the queue lives in Postgres, whose facts are those of `getDatastoreStats`. */
  getRedisInfo(): Promise<string | null> {
    return this.#deps.redisInfo();
  }

  override async getDatastoreStats(): Promise<RedisStats> {
    const { version, port, uptimeSeconds, connections } = await this.#deps.datastore();
    const clients = { connected: connections, blocked: 0 };
    return { backend: 'postgres', version, port, uptime: uptimeSeconds, clients };
  }

  override getQueueDefaultJobOptions(): QueueDefaultJobOptions {
    return defaultOptionsOf(this.#base());
  }

  /** Null: nobody is missed at a dead letter. */
  override async getWorkers(): Promise<QueueWorker[] | null> {
    return queueOfDeadLetter(this.#name) === null ? await this.#deps.workers() : null;
  }

  // The board's flow route asks these three of every adapter of type `bullmq`; null means that jobs have no parents.
  getQueueQualifiedName(): string {
    return this.#name;
  }

  getQueueName(): string {
    return this.#name;
  }

  getFlowProducer(): null {
    return null;
  }

  /** The queue, or the one whose dead letter this is. */
  #base(): QueueName {
    return requireQueue(queueOfDeadLetter(this.#name) ?? this.#name);
  }
}
