// The worker's loop: claims as many jobs as it has free slots, runs them side by side, settles them in groups. It ends only
// by `stop`; whatever fails is tried again after a moment.
//
//   start ──► claiming ──stop()──► draining ──(all done, or drainMs)──► aborting ──(all done, or abandonAfterMs)──► stopped

import { backoffMs } from '../src/core/backoff.ts';
import { SECOND_MS } from '../src/core/duration.ts';
import type { Clock } from '../src/core/clock.ts';
import type { Database } from '../src/db/database.ts';
import type { Health } from '../src/lifecycle/service.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import { KINDS, type JobKind } from './catalog.ts';
import { claimJobs } from './claim.ts';
import type { EngineDriver } from './driver.ts';
import { startJob, type ClaimedJob, type JobRun } from './job-run.ts';
import type { Consumer, Handler, Handlers } from './port.ts';
import { createRefill, type Refill } from './refill.ts';
import { createSettler, type Settler } from './settle.ts';
import { judge, type Verdict } from './verdict.ts';
import { createAlarm, type Alarm } from './alarm.ts';
import { watchClaims } from './watch.ts';

export interface JobSettled {
  readonly kind: JobKind;
  readonly queue: string;
  readonly verdict: Verdict['as'];
  /** From due to started, in milliseconds. */
  readonly waitedMs: number;
  readonly durationMs: number;
}

export interface ConsumerOptions {
  readonly workerId: string;
  readonly queues: readonly string[];
  /** Jobs in hand at once. */
  readonly concurrency: number;
  readonly db: Database;
  /** Started and stopped by its owner, not here. */
  readonly driver: EngineDriver;
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly log: EventLog;
  /** Told of each job that ended here. */
  readonly onSettled?: (job: JobSettled) => void;
  /** Uniform in [0, 1); for jitter. */
  readonly random?: () => number;
  /** How long `stop` lets handlers finish before it aborts them. Default 30 s. */
  readonly drainMs?: number;
  /** How long an aborted handler is waited for. Default 10 s. */
  readonly abandonAfterMs?: number;
  /** Longest pause between two looks at an empty queue. Default 1 s; it costs one indexed query. */
  readonly pollMs?: number;
  /** How often claims are checked for cancel, loss and progress. Default 0.5 s. */
  readonly watchMs?: number;
  /** Shortens a kind's time limit; for tests. */
  readonly timeoutMsOf?: (kind: JobKind) => number;
}

const FIRST_POLL_MS = 50;
const ERROR_BACKOFF = { baseMs: 200, capMs: 5_000 };
/** Failing for longer than this is worth telling a health check. */
const UNHEALTHY_FAILURES = 3;

function tell(log: EventLog, { row }: ClaimedJob, verdict: Verdict): void {
  const fields = { jobId: row.id, kind: row.kind, attempt: row.attempts };
  switch (verdict.as) {
    case 'completed':
    case 'cancelled':
      return log.emit(`job.${verdict.as}`, fields);
    case 'discarded':
      return log.emit('job.discarded', { ...fields, reason: verdict.reason });
    case 'retried':
    case 'snoozed':
      return log.emit(`job.${verdict.as}`, { ...fields, delayMs: verdict.delayMs, code: verdict.error?.code });
    case 'dead':
      return log.emit('job.dead', { ...fields, code: verdict.error.code, reason: verdict.error.message });
    case 'lost':
      return log.emit('job.late_settle', fields);
  }
}

class QueueConsumer implements Consumer {
  readonly name = 'queue-consumer';
  readonly #options: ConsumerOptions;
  /** A set, not a map by id: a worker may be given a job again whose lost claim still runs here. */
  readonly #runs = new Set<JobRun>();
  readonly #alarm: Alarm = createAlarm();
  readonly #draining = new AbortController();
  readonly #givenUp = new AbortController();
  readonly #settler: Settler;
  readonly #finished = new Set<Promise<void>>();
  readonly #refill: Refill;
  #failures = 0;
  #loop: Promise<void> | undefined;
  #watch: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #forgetWake: (() => void) | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#settler = createSettler(options, this.#givenUp.signal);
    this.#refill = createRefill(options, { signal: this.#draining.signal, onAdmitted: () => this.wake() });
  }

  get activeCount(): number {
    return this.#runs.size;
  }

  start(): Promise<void> {
    if (this.#loop !== undefined || this.#stopped !== undefined) return Promise.resolve();
    const { driver, watchMs = SECOND_MS / 2 } = this.#options;
    this.#forgetWake = driver.onWake(() => this.wake());
    this.#loop = this.#claimLoop();
    this.#watch = watchClaims({ ...this.#options, runs: this.#runs, everyMs: watchMs, signal: this.#givenUp.signal });
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#drain();
    return this.#stopped;
  }

  wake(): void {
    this.#alarm.ring();
  }

  health(): Health {
    if (this.#failures < UNHEALTHY_FAILURES) return { status: 'ok' };
    return { status: 'degraded', reason: `claiming jobs failed ${this.#failures} times in a row` };
  }

  async #claimLoop(): Promise<void> {
    const { concurrency, pollMs = SECOND_MS } = this.#options;
    let idleMs = FIRST_POLL_MS;
    while (!this.#draining.signal.aborted) {
      const seen = this.#alarm.seen();
      const free = concurrency - this.#runs.size;
      const claimed = free > 0 ? await this.#claim(free) : 0;
      if (claimed === undefined) {
        await this.#alarm.wait(backoffMs(ERROR_BACKOFF, this.#failures, this.#random()), { ignoreRings: true });
        continue;
      }
      // A full batch means that there is probably more.
      if (free > 0 && claimed === free) continue;
      idleMs = claimed > 0 ? FIRST_POLL_MS : Math.min(pollMs, idleMs * 2);
      if (await this.#alarm.wait(free > 0 ? idleMs : pollMs, { since: seen })) idleMs = FIRST_POLL_MS;
    }
  }

  /** Number of jobs claimed; undefined when it failed. */
  async #claim(limit: number): Promise<number | undefined> {
    try {
      const jobs = await claimJobs(this.#options, limit);
      this.#failures = 0;
      for (const job of jobs) this.#begin(job);
      return jobs.length;
    } catch (error) {
      this.#failures += 1;
      this.#options.log.emit('loop.failed', { part: 'claim', error });
      return undefined;
    }
  }

  #begin(job: ClaimedJob): void {
    const { handlers, workerId, log, abandonAfterMs = 10 * SECOND_MS } = this.#options;
    const run = startJob({
      job,
      handler: handlers[job.kind] as Handler<JobKind>,
      timeoutMs: this.#timeoutMs(job.kind),
      abandonAfterMs,
      draining: this.#draining.signal,
      workerId,
      log,
    });
    this.#runs.add(run);
    const finished = this.#finish(run).finally(() => {
      this.#finished.delete(finished);
      this.#runs.delete(run);
      this.#alarm.ring();
    });
    this.#finished.add(finished);
  }

  async #finish(run: JobRun): Promise<void> {
    const { job } = run;
    const { row, kind } = job;
    const startedAt = this.#options.clock.mono();
    const ending = await run.ended;
    const policy = KINDS[kind].retry;
    const timeoutMs = this.#timeoutMs(kind);
    const verdict = judge({
      ending,
      stop: run.stopReason,
      attempt: row.attempts,
      policy,
      timeoutMs,
      random: this.#random(),
    });
    const durationMs = this.#options.clock.mono() - startedAt;
    const stored = await this.#settler.settle(job, verdict);
    tell(this.#options.log, job, stored ? verdict : { as: 'lost' });
    if (!stored) return;
    // Back on time, to the millisecond; a longer sleep is found by polling.
    if ('delayMs' in verdict) this.#alarm.ringIn(verdict.delayMs);
    if (row.userId !== null) this.#refill.free(row.userId);
    const waitedMs = Math.max(0, (row.startedAt ?? row.runAt).getTime() - row.runAt.getTime());
    this.#options.onSettled?.({ kind, queue: row.queue, verdict: verdict.as, waitedMs, durationMs });
  }

  async #drain(): Promise<void> {
    const { drainMs = 30 * SECOND_MS, abandonAfterMs = 10 * SECOND_MS } = this.#options;
    this.#draining.abort();
    this.#forgetWake?.();
    this.#alarm.ring();
    await this.#loop;
    await this.#allFinishedWithin(drainMs);
    for (const run of this.#runs) run.stop('drained');
    await this.#allFinishedWithin(abandonAfterMs + SECOND_MS);
    this.#givenUp.abort();
    await Promise.all(this.#finished);
    await this.#refill.idle();
    await this.#watch;
    this.#alarm.close();
  }

  async #allFinishedWithin(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([Promise.all(this.#finished), promise]);
    clearTimeout(timer);
  }

  #timeoutMs(kind: JobKind): number {
    return this.#options.timeoutMsOf?.(kind) ?? KINDS[kind].timeoutMs;
  }

  #random(): number {
    return (this.#options.random ?? Math.random)();
  }
}

export function createConsumer(options: ConsumerOptions): Consumer {
  return new QueueConsumer(options);
}
