// A worker process's claim to be alive: one row of `workers`, kept fresh by a thread off the event loop. When the row was
// declared dead, the process must end: its leases are gone, and its successor registers under a new id.

import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import { hideEnvironment } from '../src/lifecycle/diagnostic-report.ts';
import { AppError } from '../src/core/errors.ts';
import type { QueueEngine } from '../src/core/queue-engines.ts';
import { uuidv7 } from '../src/core/ids.ts';
import type { Secret } from '../src/core/secret.ts';
import type { Health, Service } from '../src/lifecycle/service.ts';
import type { WorkerKeys } from '../src/store/worker-keys.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import type { LivenessCommand, LivenessReport, LivenessThreadOptions } from './liveness-protocol.ts';

/** Exit code of a process that was declared dead (EX_TEMPFAIL): its supervisor starts another one. */
export const DECLARED_DEAD_EXIT_CODE = 75;

export interface LivenessOptions {
  /** Of the worker role. */
  readonly databaseUrl: Secret;
  /** Jobs at once; shown to operators. */
  readonly concurrency: number;
  /** The queue engine that the worker claims from; a switch waits for those on the old one. */
  readonly engine: QueueEngine;
  /** Asked at the start; later changes are told by the key watch. Default: none. */
  readonly keys?: () => WorkerKeys;
  readonly log: EventLog;
  /**
   * Called once, when nobody answers for this process any more: abort everything and exit with
   * `DECLARED_DEAD_EXIT_CODE`.
   */
  readonly onDead: () => void;
  /** Default 500 ms. */
  readonly heartbeatMs?: number;
  /** How long handlers may keep the event loop from turning; default 30 s. */
  readonly maxBlockedMs?: number;
}

export interface Liveness extends Service {
  /** New for every process start. */
  readonly workerId: string;
}

const TICK_MS = 100;
const STOP_PATIENCE_MS = 3_000;
const NO_KEYS: WorkerKeys = { keyIds: [], sealsTo: null };

export function createLiveness(options: LivenessOptions): Liveness {
  return new ThreadedLiveness(options);
}

class ThreadedLiveness implements Liveness {
  readonly name = 'worker-liveness';
  readonly workerId = uuidv7();
  readonly #options: LivenessOptions;
  readonly #ticks = new SharedArrayBuffer(4);
  readonly #registered = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #thread: Worker | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #isStopping = false;
  #isDead = false;
  #unreachable: string | undefined;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#registered.promise.catch(() => undefined);
  }

  /** Resolves once the worker is registered; an unreachable database is tried until `stop`. */
  start(): Promise<void> {
    if (this.#thread !== undefined) return this.#registered.promise;
    const {
      databaseUrl,
      concurrency,
      engine,
      keys = () => NO_KEYS,
      heartbeatMs = 500,
      maxBlockedMs = 30_000,
    } = this.#options;
    const workerData: LivenessThreadOptions = {
      worker: { id: this.workerId, hostname: hostname(), pid: process.pid, concurrency, engine, keys: keys() },
      databaseUrl: databaseUrl.reveal(),
      ticks: this.#ticks,
      heartbeatMs,
      maxBlockedMs,
    };
    const counter = new Int32Array(this.#ticks);
    this.#ticker = setInterval(() => Atomics.add(counter, 0, 1), TICK_MS).unref();
    this.#thread = new Worker(new URL('./liveness-thread.ts', import.meta.url), { workerData, name: this.name });
    // A thread that starts reads Node's options again, and what was set is forgotten.
    this.#thread.on('online', hideEnvironment);
    this.#thread.on('message', (report: LivenessReport) => this.#hear(report));
    this.#thread.on('error', (error) => this.#options.log.emit('service.failed', { service: this.name, error }));
    this.#thread.on('exit', () => this.#onExit());
    return this.#registered.promise;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#ticker);
    if (this.#thread === undefined) return;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#thread.postMessage('stop' satisfies LivenessCommand);
    const impatient = setTimeout(() => void this.#thread?.terminate(), STOP_PATIENCE_MS);
    await this.#ended.promise;
    clearTimeout(impatient);
  }

  health(): Health {
    if (this.#isDead) return { status: 'down', reason: 'this worker was declared dead' };
    if (this.#unreachable !== undefined) return { status: 'degraded', reason: this.#unreachable };
    return { status: 'ok' };
  }

  #hear(report: LivenessReport): void {
    const { log } = this.#options;
    const { workerId } = this;
    switch (report.kind) {
      case 'registered':
        this.#unreachable = undefined;
        log.emit('worker.registered', { workerId });
        this.#registered.resolve();
        break;
      case 'blocked':
        log.emit('worker.blocked', { workerId, blockedMs: Math.round(report.blockedMs) });
        break;
      case 'unreachable':
        this.#unreachable = report.message;
        log.emit('db.connection_lost', { workerId, reason: report.message });
        break;
      case 'reachable':
        this.#unreachable = undefined;
        break;
      case 'dead':
        this.#die();
        break;
    }
  }

  #onExit(): void {
    this.#ended.resolve();
    this.#registered.reject(
      new AppError('service.start_failed', 'the worker was not registered before it was stopped'),
    );
    // A thread that ends by itself leaves nobody to answer for this process.
    if (!this.#isStopping) this.#die();
  }

  #die(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    clearInterval(this.#ticker);
    this.#options.onDead();
  }
}
