// A pass that is made again and again: ticks, reapers, rollers. Passes never overlap, and an error in one never ends the
// loop: only `stop` does.
//
//   start → pass ──ok──→ wait (everyMs) ──→ pass        wake() cuts the wait short and is coalesced; during a pass it
//             └──error─→ wait (backoff) ──→ pass        asks for one more; after an error it waits for the backoff.

import { sleep } from '../core/async.ts';
import { backoffMs, type Backoff } from '../core/backoff.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { isAbort } from '../core/errors.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import type { Health, Service } from './service.ts';

export interface LoopOptions {
  /** Kebab-case: `scheduler-tick`. */
  readonly name: string;
  /** From the start of a pass to the start of the next; a longer pass is followed at once. */
  readonly everyMs: number;
  /** One pass. The signal fires on `stop`: end at the next safe point. */
  readonly pass: (signal: AbortSignal) => Promise<void>;
  readonly log: EventLog;
  readonly clock?: Clock;
  /** Subscribes `wake` to whatever tells of new work; the result, if any, ends the subscription on `stop`. */
  readonly onWake?: (wake: () => void) => (() => void) | void;
  /** Part of each wait that is left to chance, 0 to 1; default 0. Keeps many processes from ticking together. */
  readonly jitter?: number;
  /** Waits after errors in a row; default 0.5 s doubling to 30 s. */
  readonly backoff?: Backoff;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

export interface Loop extends Service {
  /** A pass at once. Before `start` and after `stop` nothing happens. */
  wake(): void;
}

const DEFAULT_BACKOFF: Backoff = { baseMs: 500, capMs: 30_000 };
/** Longer timers fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** From so many errors in a row on, the loop calls itself degraded. */
const DEGRADED_FROM = 3;

export function createLoop(options: LoopOptions): Loop {
  return new PassLoop(options);
}

class PassLoop implements Loop {
  readonly name: string;
  readonly #options: LoopOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #unsubscribe: (() => void) | undefined;
  #failures = 0;
  /** Somebody asked for a pass that has not begun yet. */
  #isAwake = false;
  /** The wait in hand, while it may be cut short by `wake`. */
  #wait: AbortController | undefined;

  constructor(options: LoopOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  async start(): Promise<void> {
    if (this.#running !== undefined || this.#stop.signal.aborted) return;
    this.#unsubscribe = this.#options.onWake?.(() => this.wake()) ?? undefined;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#stop.abort();
    this.#wait?.abort();
    await this.#running;
  }

  wake(): void {
    this.#isAwake = true;
    this.#wait?.abort();
  }

  health(): Health {
    if (this.#failures < DEGRADED_FROM) return { status: 'ok' };
    return { status: 'degraded', reason: `the last ${this.#failures} passes failed` };
  }

  async #run(): Promise<void> {
    // The first pass must not run inside `start`: its caller has not even seen the service yet.
    await nextTurn();
    while (!this.#stop.signal.aborted) {
      const begunAt = this.#clock.mono();
      this.#isAwake = false;
      const failedWaitMs = await this.#passOnce();
      if (failedWaitMs === undefined) await this.#waitForNext(begunAt);
      else await this.#sleep(failedWaitMs, this.#stop.signal);
    }
  }

  /** How long to wait after an error, or undefined when all went well. */
  async #passOnce(): Promise<number | undefined> {
    try {
      await this.#options.pass(this.#stop.signal);
      this.#failures = 0;
      return undefined;
    } catch (error) {
      if (this.#stop.signal.aborted && isAbort(error)) return undefined;
      this.#failures++;
      const retryInMs = backoffMs(this.#options.backoff ?? DEFAULT_BACKOFF, this.#failures, this.#random());
      this.#options.log.emit('loop.failed', { loop: this.name, failures: this.#failures, retryInMs, error });
      return retryInMs;
    }
  }

  async #waitForNext(begunAt: number): Promise<void> {
    const { everyMs, jitter = 0 } = this.#options;
    const waitMs = everyMs * (1 - jitter * this.#random()) - (this.#clock.mono() - begunAt);
    // A loop that is always awake or always late still lets the rest of the process have its turn.
    if (this.#isAwake || waitMs < 1 || this.#stop.signal.aborted) return await nextTurn();
    this.#wait = new AbortController();
    await this.#sleep(waitMs, this.#wait.signal);
    this.#wait = undefined;
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await sleep(Math.min(ms, MAX_TIMER_MS), signal);
    } catch (error) {
      if (!isAbort(error)) throw error;
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
