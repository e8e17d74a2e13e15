// One queue of ours as a queue of Bull Board, over the queue port: the board cannot tell which engine is below. It only
// reads; every verb that would change something refuses.

import { BaseAdapter } from '@bull-board/api/dist/queueAdapters/base.js';
import type { JobCounts, JobStatus, QueueJob, QueueMetrics, RedisStats, Status } from '@bull-board/api/dist/types.js';
import type { JobQueue, QueueControls } from '../../../queues/port.ts';
import type { JobState } from '../../../queues/states.ts';
import { readOnly, toBoardJob } from './job.ts';

/** Which of our states a tab of the board shows. */
const TABS: Readonly<Partial<Record<Status, readonly JobState[]>>> = {
  active: ['active'],
  waiting: ['waiting'],
  delayed: ['delayed'],
  completed: ['completed'],
  failed: ['failed', 'cancelled', 'dead'],
};

const JOB_STATUSES: JobStatus[] = ['active', 'waiting', 'completed', 'failed', 'delayed'];
/** The board asks for ten rows at a time; nobody needs more than this of one page. */
const PAGE_LIMIT = 200;

export interface DatastoreFacts {
  readonly version: string;
  readonly port: number;
  readonly uptimeSeconds: number;
  readonly connections: number;
}

export interface QueueAdapterDeps {
  readonly queue: JobQueue;
  readonly datastore: () => Promise<DatastoreFacts>;
}

export class ReadOnlyQueueAdapter extends BaseAdapter {
  readonly #name: string;
  readonly #deps: QueueAdapterDeps;

  constructor(name: string, description: string, deps: QueueAdapterDeps) {
    super('bullmq', { readOnlyMode: true, allowRetries: false, description });
    this.#name = name;
    this.#deps = deps;
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
    return jobs.map(toBoardJob);
  }

  async getJob(id: string): Promise<QueueJob | null> {
    const job = await this.#deps.queue.get(id);
    return job === null || job.queue !== this.#name ? null : toBoardJob(job);
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

  async getJobLogs(id: string): Promise<string[]> {
    const lines = await this.#deps.queue.logs(id);
    return lines.map(({ at, level, line }) => `${at.toISOString()} ${level} ${line}`);
  }

  /** The minute chart is switched off in the board's settings, so this is never drawn. */
  async getMetrics(): Promise<QueueMetrics> {
    return { meta: { count: 0, prevTS: 0, prevCount: 0 }, data: [], count: 0 };
  }

  async isPaused(): Promise<boolean> {
    return (await this.#controls())?.pausedAt instanceof Date;
  }

  async getJobSchedulers(): Promise<[]> {
    return [];
  }

  async getJobSchedulersCount(): Promise<number> {
    return 0;
  }

  async getGlobalConcurrency(): Promise<number | null> {
    return (await this.#controls())?.concurrency ?? null;
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

  clean = readOnly;
  addJob = readOnly;
  pause = readOnly;
  resume = readOnly;
  empty = readOnly;
  obliterate = readOnly;
  promoteAll = readOnly;
  removeJobScheduler = readOnly;
  updateJobScheduler = readOnly;
  runJobSchedulerNow = readOnly;
  setGlobalConcurrency = readOnly;
}
