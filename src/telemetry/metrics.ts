// What Tidemark counts about itself, as plain functions over a prom-client registry; nobody outside sees a type of
// prom-client. Labels come from closed sets only (queues, kinds, platforms, streams, states): a tenant, an id or a URL
// never becomes a label.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { SECOND_MS } from '../core/duration.ts';

/** One job left a handler. Durations in milliseconds; `waitMs` from due to started. */
export interface FinishedJob {
  readonly queue: string;
  readonly kind: string;
  readonly outcome: string;
  readonly waitMs: number;
  readonly runMs: number;
}

export interface FinishedRun {
  readonly platform: string;
  readonly stream: string;
  readonly status: string;
}

export interface CountedRecords {
  readonly platform: string;
  readonly stream: string;
  readonly result: 'synced' | 'changed' | 'duplicate' | 'failed' | 'quarantined';
  readonly count: number;
}

export interface FinishedRequest {
  readonly platform: string;
  /** `ok`, `rate_limited`, `client_error`, `server_error`, `no_answer`. */
  readonly outcome: string;
  readonly durationMs: number;
}

export interface QueueDepth {
  readonly queue: string;
  readonly state: string;
  readonly count: number;
}

export interface Metrics {
  jobFinished(job: FinishedJob): void;
  runFinished(run: FinishedRun): void;
  recordsCounted(records: CountedRecords): void;
  requestFinished(request: FinishedRequest): void;
  /** Jobs in a queue by state, as last seen. */
  queueDepth(depth: QueueDepth): void;
  /** How far behind the oldest due stream is, in milliseconds. */
  schedulerLag(lagMs: number): void;
  /** Workers that are alive. */
  workersAlive(count: number): void;
  /** Content type of `render`. */
  readonly contentType: string;
  /** Everything in the text format of Prometheus. */
  render(): Promise<string>;
}

/** Counts nothing. For library use and for tests that do not look at metrics. */
export const silentMetrics: Metrics = {
  jobFinished: () => undefined,
  runFinished: () => undefined,
  recordsCounted: () => undefined,
  requestFinished: () => undefined,
  queueDepth: () => undefined,
  schedulerLag: () => undefined,
  workersAlive: () => undefined,
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  render: async () => '',
};

const FAST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const LONG_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600];

/** Opens a registry with the usual process metrics (memory, CPU, event loop, garbage collection) and our own. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return { ...jobMetrics(registry), ...syncMetrics(registry), ...stateMetrics(registry), ...exposition(registry) };
}

function jobMetrics(registry: Registry): Pick<Metrics, 'jobFinished'> {
  const registers = [registry];
  const jobs = new Counter({
    name: 'tidemark_jobs_total',
    help: 'Jobs that left a handler, by outcome',
    labelNames: ['queue', 'kind', 'outcome'],
    registers,
  });
  const wait = new Histogram({
    name: 'tidemark_job_wait_seconds',
    help: 'Time from due to started',
    labelNames: ['queue', 'kind'],
    buckets: LONG_SECONDS,
    registers,
  });
  const run = new Histogram({
    name: 'tidemark_job_run_seconds',
    help: 'Time that a handler took',
    labelNames: ['queue', 'kind'],
    buckets: LONG_SECONDS,
    registers,
  });
  return {
    jobFinished({ queue, kind, outcome, waitMs, runMs }) {
      jobs.inc({ queue, kind, outcome });
      wait.observe({ queue, kind }, waitMs / SECOND_MS);
      run.observe({ queue, kind }, runMs / SECOND_MS);
    },
  };
}

function syncMetrics(registry: Registry): Pick<Metrics, 'runFinished' | 'recordsCounted' | 'requestFinished'> {
  const registers = [registry];
  const runs = new Counter({
    name: 'tidemark_runs_total',
    help: 'Runs that ended, by status',
    labelNames: ['platform', 'stream', 'status'],
    registers,
  });
  const records = new Counter({
    name: 'tidemark_records_total',
    help: 'Records of committed pages, by what became of them',
    labelNames: ['platform', 'stream', 'result'],
    registers,
  });
  const requests = new Counter({
    name: 'tidemark_http_requests_total',
    help: 'Requests to platforms, by outcome',
    labelNames: ['platform', 'outcome'],
    registers,
  });
  const seconds = new Histogram({
    name: 'tidemark_http_seconds',
    help: 'Time that a request to a platform took',
    labelNames: ['platform'],
    buckets: FAST_SECONDS,
    registers,
  });
  return {
    runFinished: ({ platform, stream, status }) => runs.inc({ platform, stream, status }),
    recordsCounted: ({ platform, stream, result, count }) => records.inc({ platform, stream, result }, count),
    requestFinished({ platform, outcome, durationMs }) {
      requests.inc({ platform, outcome });
      seconds.observe({ platform }, durationMs / SECOND_MS);
    },
  };
}

function stateMetrics(registry: Registry): Pick<Metrics, 'queueDepth' | 'schedulerLag' | 'workersAlive'> {
  const registers = [registry];
  const depth = new Gauge({
    name: 'tidemark_queue_jobs',
    help: 'Jobs in a queue, by state',
    labelNames: ['queue', 'state'],
    registers,
  });
  const lag = new Gauge({
    name: 'tidemark_scheduler_lag_seconds',
    help: 'How far behind the oldest due stream is',
    registers,
  });
  const workers = new Gauge({ name: 'tidemark_workers', help: 'Workers that are alive', registers });
  return {
    queueDepth: ({ queue, state, count }) => depth.set({ queue, state }, count),
    schedulerLag: (lagMs) => lag.set(lagMs / SECOND_MS),
    workersAlive: (count) => workers.set(count),
  };
}

function exposition(registry: Registry): Pick<Metrics, 'contentType' | 'render'> {
  return { contentType: registry.contentType, render: () => registry.metrics() };
}
