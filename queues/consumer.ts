// A worker's side of the queue: lanes that claim as many jobs as they have free slots, run them side by side and settle them
// in groups. It ends only by `stop`; whatever fails is tried again after a moment.
//
//   start ──► claiming ──stop()──► draining ──(all done, or drainMs)──► aborting ──(all done, or abandonAfterMs)──► stopped

import { SECOND_MS } from '../src/core/duration.ts';
import type { Loop } from '../src/lifecycle/loop.ts';
import type { Health } from '../src/lifecycle/service.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import { isShortQueue } from './catalog.ts';
import { createClaimWatchdog } from './claim-watchdog.ts';
import type { ConsumerOptions } from './consumer-options.ts';
import { createControlsCache, type ControlsCache } from './controls.ts';
import { endOf } from './history.ts';
import { createLogWriter, type LogWriter } from './job-log.ts';
import type { JobRun } from './job-run.ts';
import { createLane, type Lane, type LaneOptions } from './lane.ts';
import type { Consumer } from './port.ts';
import { createRefill, type Refill } from './refill.ts';
import type { Verdict } from './verdict.ts';
import { watchClaims } from './watch.ts';

/** Short jobs claimed beyond the free hands: at least as many as there are hands, within this. */
const AHEAD = { min: 100, max: 500 };
const NONE = { min: 0, max: 0 };
/** Failing for longer than this is worth telling a health check. */
const UNHEALTHY_FAILURES = 3;

/** What went as usual is the process's business; what did not is kept beside the job too. */
function tell(processLog: EventLog, run: JobRun, verdict: Verdict): void {
  const { row } = run.job;
  const log = verdict.as === 'completed' || verdict.as === 'snoozed' ? processLog : run.log;
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
  readonly #runs = new Set<JobRun>();
  readonly #draining = new AbortController();
  readonly #givenUp = new AbortController();
  readonly #controls: ControlsCache;
  readonly #lanes: readonly Lane[];
  readonly #refill: Refill;
  readonly #logs: LogWriter;
  #loops: Promise<unknown> | undefined;
  readonly #watchdog: Loop;
  #watch: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #forgetWake: (() => void) | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#logs = createLogWriter(options.db, options.log);
    this.#refill = createRefill(options, { signal: this.#draining.signal, onAdmitted: () => this.wake() });
    this.#controls = createControlsCache({
      db: options.db,
      everyMs: options.pollMs ?? SECOND_MS,
      clock: options.clock,
    });
    const short = options.queues.filter(isShortQueue);
    const long = options.queues.filter((queue) => !isShortQueue(queue));
    const ahead = { ...AHEAD, min: Math.min(AHEAD.min, options.concurrency) };
    this.#lanes = [
      ...(long.length > 0 ? [this.#createLane(long, NONE)] : []),
      ...(short.length > 0 ? [this.#createLane(short, ahead)] : []),
    ];
    const { stuckAfterMs: patienceMs = 10 * SECOND_MS } = options;
    this.#watchdog = createClaimWatchdog({ ...options, patienceMs, controls: this.#controls, lanes: this.#lanes });
  }

  get activeCount(): number {
    return this.#runs.size;
  }

  start(): Promise<void> {
    if (this.#loops !== undefined || this.#stopped !== undefined) return Promise.resolve();
    const { driver, watchMs = SECOND_MS / 2 } = this.#options;
    this.#forgetWake = driver.onWake((reason) => {
      if (reason === 'controls') this.#controls.invalidate();
      if (reason !== 'admission') this.wake();
    });
    void this.#watchdog.start();
    this.#loops = Promise.all(this.#lanes.map((lane) => lane.run()));
    this.#watch = watchClaims({
      ...this.#options,
      runs: this.#runs,
      inHand: () => [...this.#lanes.flatMap(({ ready }) => ready), ...[...this.#runs].map(({ job }) => job)],
      saveLines: (lines) => this.#logs.save(lines),
      everyMs: watchMs,
      signal: this.#givenUp.signal,
    });
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#drain();
    return this.#stopped;
  }

  wake(): void {
    for (const lane of this.#lanes) lane.wake();
  }

  health(): Health {
    const failures = Math.max(0, ...this.#lanes.map((lane) => lane.failures));
    if (failures < UNHEALTHY_FAILURES) return { status: 'ok' };
    return { status: 'degraded', reason: `claiming jobs failed ${failures} times in a row` };
  }

  #createLane(queues: readonly string[], ahead: LaneOptions['ahead']): Lane {
    return createLane({
      ...this.#options,
      queues,
      ahead,
      draining: this.#draining.signal,
      givenUp: this.#givenUp.signal,
      runs: this.#runs,
      controls: this.#controls,
      onEnded: (run, verdict, durationMs) => this.#onEnded(run, verdict, durationMs),
    });
  }

  #onEnded(run: JobRun, verdict: Verdict, durationMs: number): void {
    const { row, kind, ledgered } = run.job;
    tell(this.#options.log, run, verdict);
    this.#logs.save(run.takeLines());
    if (verdict.as === 'lost') return;
    // Back on time, to the millisecond; a longer sleep is found by polling.
    if ('delayMs' in verdict) for (const lane of this.#lanes) lane.wakeIn(verdict.delayMs);
    if (row.userId !== null && ledgered) this.#refill.free(row.userId);
    const waitedMs = Math.max(0, (row.startedAt ?? row.runAt).getTime() - row.runAt.getTime());
    const end = endOf(verdict.as);
    if (end !== null)
      this.#options.history?.record(row.queue, end, end === 'cancelled' ? undefined : { waitedMs, ranMs: durationMs });
    this.#options.onSettled?.({ kind, queue: row.queue, verdict: verdict.as, waitedMs, durationMs });
  }

  async #drain(): Promise<void> {
    const { drainMs = 30 * SECOND_MS, abandonAfterMs = 10 * SECOND_MS } = this.#options;
    this.#draining.abort();
    this.#forgetWake?.();
    // It may be waiting for a store that is away; handlers must hear of the drain now.
    const watchdogStopped = this.#watchdog.stop();
    this.wake();
    await this.#within(drainMs, this.#ended());
    for (const run of this.#runs) run.stop('drained');
    await this.#within(abandonAfterMs + SECOND_MS, this.#ended());
    this.#givenUp.abort();
    await this.#ended();
    await this.#refill.idle();
    await Promise.all([this.#watch, watchdogStopped]);
    await this.#within(SECOND_MS, this.#logs.idle());
    for (const lane of this.#lanes) lane.close();
  }

  /** Nothing is claimed any more, every handler has ended, and so has the storing of its end. */
  async #ended(): Promise<void> {
    await this.#loops;
    await Promise.all(this.#lanes.map((lane) => lane.finished()));
  }

  async #within(ms: number, ended: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([ended, promise]);
    clearTimeout(timer);
  }
}

export function createConsumer(options: ConsumerOptions): Consumer {
  return new QueueConsumer(options);
}
