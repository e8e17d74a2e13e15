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
  QueueJob,
  QueueJobOptions,
  QueueMetrics,
  QueueRateLimit,
  QueueWorker,
  RedisStats,
  Status,
} from '@bull-board/api/dist/types.js';
import { queueOfDeadLetter, requireQueue, type QueueName } from '../../../queues/catalog.ts';
import type { QueueControls } from '../../../queues/port.ts';
import type { JobState } from '../../../queues/states.ts';
import { AppError } from '../../core/errors.ts';
import { redactedText } from '../../telemetry/redacted.ts';
import { addByHand } from './add-by-hand.ts';
import type { BoardDeps } from './deps.ts';
import { createQueueCleaning, type QueueCleaning } from './cleaning.ts';
import { toBoardJob } from './job.ts';

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
/** The board takes this for "no limit". */
const NO_LIMIT = 0;

export class PortQueueAdapter extends BaseAdapter {
  readonly #name: string;
  readonly #deps: BoardDeps;
  readonly #cleaning: QueueCleaning;

  constructor(name: string, description: string, deps: BoardDeps) {
    super('bullmq', { allowRetries: true, allowCompletedRetries: false, description });
    this.#name = name;
    this.#deps = deps;
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
    return toBoardJob(await addByHand(this.#deps, this.#base(), { kind: name, payload: data, options }), this.#deps);
  }

  async getJobLogs(id: string): Promise<string[]> {
    const lines = await this.#deps.queue.logs(id);
    return lines.map(({ at, level, line }) => `${at.toISOString()} ${level} ${redactedText(line)}`);
  }

  getMetrics(type: MetricsType, start?: number, end?: number): Promise<QueueMetrics> {
    return this.#deps.minuteMetrics(this.#name, type, start, end);
  }

  // A dead letter starts nothing, so it has no controls of its own.

  async isPaused(): Promise<boolean> {
    return (await this.#controls())?.pausedAt instanceof Date;
  }

  async pause(): Promise<void> {
    // "Pause all" comes by here too.
    if (!this.#isDeadLetter()) await this.#deps.queue.pause(this.#base());
  }

  async resume(): Promise<void> {
    if (!this.#isDeadLetter()) await this.#deps.queue.resume(this.#base());
  }

  async getGlobalConcurrency(): Promise<number | null> {
    return (await this.#controls())?.concurrency ?? null;
  }

  async setGlobalConcurrency(concurrency: number): Promise<void> {
    await this.#deps.queue.limit(this.#own(), { concurrency: concurrency === NO_LIMIT ? null : concurrency });
  }

  override get supportsGlobalRateLimit(): boolean {
    return !this.#isDeadLetter();
  }

  override async getConfiguredRateLimit(): Promise<QueueRateLimit | null> {
    const rate = (await this.#controls())?.rate ?? null;
    return rate === null ? null : { max: rate.max, duration: rate.perMs };
  }

  override async setConfiguredRateLimit({ max, duration }: QueueRateLimit): Promise<void> {
    await this.#deps.queue.limit(this.#own(), { rate: { max, perMs: duration } });
  }

  override async removeConfiguredRateLimit(): Promise<void> {
    await this.#deps.queue.limit(this.#own(), { rate: null });
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

  override async getDatastoreStats(): Promise<RedisStats> {
    const { version, port, uptimeSeconds, connections } = await this.#deps.datastore();
    return {
      backend: 'postgres',
      version,
      port,
      uptime: uptimeSeconds,
      clients: { connected: connections, blocked: 0 },
    };
  }

  async getRedisInfo(): Promise<null> {
    return null;
  }

  override getWorkers(): Promise<QueueWorker[] | null> {
    return this.#deps.workers();
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

  async #controls(): Promise<QueueControls | undefined> {
    return (await this.#deps.queue.controls()).find(({ queue }) => queue === this.#name);
  }

  #isDeadLetter(): boolean {
    return queueOfDeadLetter(this.#name) !== null;
  }

  /** The queue, or the one whose dead letter this is. */
  #base(): QueueName {
    return requireQueue(queueOfDeadLetter(this.#name) ?? this.#name);
  }

  #own(): QueueName {
    if (this.#isDeadLetter()) throw new AppError('input.invalid', 'a dead letter starts nothing: limit its queue');
    return this.#base();
  }
}
