// Counts ends of jobs in memory, per queue and minute, and adds them to the history every few seconds and when it stops.
// What could not be added stays and comes again with the next time; a process that is killed loses its last few seconds.

import type { Clock } from '../src/core/clock.ts';
import { abortable, sleep } from '../src/core/async.ts';
import { MINUTE_MS, SECOND_MS } from '../src/core/duration.ts';
import { uuidv7 } from '../src/core/ids.ts';
import type { Queryable } from '../src/db/database.ts';
import { createLoop, type Loop } from '../src/lifecycle/loop.ts';
import type { Health, Service } from '../src/lifecycle/service.ts';
import type { EventLog } from '../src/telemetry/event-log.ts';
import { addDuration, emptyTally, type JobTimes, type QueueEnd, type QueueHistory, type Tally } from './history.ts';
import { addHistoryBatch, type HistoryBatch } from './history-write.ts';

export interface HistoryRecorderOptions {
  /** Pool of the worker role. */
  readonly db: Queryable;
  readonly clock: Clock;
  readonly log: EventLog;
  /** Default 5 s. */
  readonly everyMs?: number;
  /** How long `stop` goes on trying. Default 3 s. */
  readonly patienceMs?: number;
}

/** A service: its `stop` adds what is left. Stop whoever records before it. */
export interface HistoryRecorder extends QueueHistory, Service {
  /** Adds what was counted until now; rejects when it could not, with nothing lost. */
  flush(): Promise<void>;
}

/**
 * Minutes of queues in memory, a kilobyte each: four hours of all queues. While the database is away for longer, counts go
 * on under the last minute that there is room for.
 */
const MAX_MINUTES = 2_000;
const LAST_TRIES_MS = SECOND_MS / 4;

class MemoryRecorder implements HistoryRecorder {
  readonly name = 'queue-history';
  readonly #options: HistoryRecorderOptions;
  readonly #writerId: string;
  readonly #loop: Loop;
  /** What no batch has taken yet, by queue and minute. */
  #tallies = new Map<string, Tally>();
  /** Those that take what ends now, by queue. */
  #current = new Map<string, Tally>();
  #minuteStart = 0;
  /** On its way, or failed: comes again under its number, before anything else. */
  #batch: HistoryBatch | null = null;
  #batches = 0;
  #flushing: Promise<void> | undefined;

  constructor(options: HistoryRecorderOptions) {
    const { clock, log, everyMs = 5 * SECOND_MS } = options;
    this.#options = options;
    this.#writerId = uuidv7(clock.now().getTime());
    this.#loop = createLoop({ name: this.name, everyMs, pass: () => this.flush(), log, clock });
  }

  record(queue: string, end: QueueEnd, times?: JobTimes): void {
    const tally = this.#tallyOf(queue);
    tally[end] += 1;
    if (times === undefined) return;
    addDuration(tally.wait, times.waitedMs);
    addDuration(tally.run, times.ranMs);
  }

  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => (this.#flushing = undefined));
    return this.#flushing;
  }

  async start(): Promise<void> {
    await this.#loop.start();
  }

  async stop(): Promise<void> {
    const { patienceMs = 3 * SECOND_MS, log } = this.#options;
    const patience = AbortSignal.timeout(patienceMs);
    try {
      await abortable(this.#loop.stop(), patience);
      await this.#flushWithin(patience);
    } catch (error) {
      log.emit('loop.failed', { part: this.name, error });
    }
  }

  health(): Health | Promise<Health> {
    return this.#loop.health?.() ?? { status: 'ok' };
  }

  #tallyOf(queue: string): Tally {
    const now = this.#options.clock.now().getTime();
    // Also when the clock was set back.
    if (now < this.#minuteStart || now >= this.#minuteStart + MINUTE_MS) {
      this.#minuteStart = Math.floor(now / MINUTE_MS) * MINUTE_MS;
      this.#current.clear();
    }
    return this.#current.get(queue) ?? this.#open(queue);
  }

  #open(queue: string): Tally {
    const key = `${queue} ${this.#minuteStart}`;
    const isFull = this.#tallies.size >= MAX_MINUTES;
    const known = this.#tallies.get(key) ?? (isFull ? this.#lastOf(queue) : undefined);
    const tally = known ?? emptyTally(queue, this.#minuteStart);
    if (known === undefined) this.#tallies.set(key, tally);
    this.#current.set(queue, tally);
    return tally;
  }

  #lastOf(queue: string): Tally | undefined {
    return [...this.#tallies.values()].findLast((tally) => tally.queue === queue);
  }

  async #flush(): Promise<void> {
    await this.#addBatch();
    if (this.#tallies.size === 0) return;
    this.#batches += 1;
    this.#batch = { writerId: this.#writerId, number: this.#batches, minutes: [...this.#tallies.values()] };
    this.#tallies.clear();
    this.#current.clear();
    await this.#addBatch();
  }

  async #addBatch(): Promise<void> {
    if (this.#batch === null) return;
    await addHistoryBatch(this.#options.db, this.#batch, this.#options.clock.now());
    this.#batch = null;
  }

  async #flushWithin(patience: AbortSignal): Promise<void> {
    for (;;) {
      try {
        return await abortable(this.flush(), patience);
      } catch (error) {
        if (patience.aborted) throw error;
        await sleep(LAST_TRIES_MS, patience);
      }
    }
  }
}

export function createHistoryRecorder(options: HistoryRecorderOptions): HistoryRecorder {
  return new MemoryRecorder(options);
}
