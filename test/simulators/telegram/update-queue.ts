// The queue of one bot, as the platform keeps it (tdlib TQueue.cpp, 2026-07): read from an offset, which deletes what lies
// below it, unless the offset cannot be true. What is full drops, what is old vanishes, and nobody is told.

import type { Random } from '../random.ts';

export interface QueueLimits {
  /** Updates above these are dropped silently. */
  maxEvents: number;
  maxBytes: number;
  maxUpdateBytes: number;
  /** One answer ends before it would be larger than this. */
  answerBytes: number;
}

export function defaultQueueLimits(): QueueLimits {
  return { maxEvents: 100_000, maxBytes: 128 * 1024 ** 2, maxUpdateBytes: 512 * 1024, answerBytes: 4 * 1024 ** 2 };
}

export interface NewQueued {
  readonly kind: string;
  readonly lane: string;
  /** The update without its id. */
  readonly update: Readonly<Record<string, unknown>>;
  /** Unix seconds; seen to its end. */
  readonly expiresAt: number;
}

export interface Queued extends NewQueued {
  readonly id: number;
  readonly bytes: number;
}

const LAST_ID = 2_000_000_000;
const LOWEST_START = 2_000_001;
const HIGHEST_START = LAST_ID / 2;
const FUTURE = 10;
const PAST = 100_000;
const SILENCE_S = 7 * 86_400;

export interface UpdateQueueOptions {
  readonly random: Random;
  readonly limits: QueueLimits;
  readonly nowSeconds: () => number;
}

/** Updates of one bot, oldest first. */
export class UpdateQueue {
  readonly #options: UpdateQueueOptions;
  #events: Queued[] = [];
  #bytes = 0;
  /** Id of the next update. */
  #tail: number;
  #lastPushAt: number;

  constructor(options: UpdateQueueOptions) {
    this.#options = options;
    this.#tail = this.#randomId();
    this.#lastPushAt = options.nowSeconds();
  }

  get nextId(): number {
    return this.#tail;
  }

  /** What waits and is not expired. */
  live(): readonly Queued[] {
    this.#expire();
    return this.#events;
  }

  /** The id it got; null: dropped, because it is too large or the queue is full. */
  push(added: NewQueued): number | null {
    const { limits, nowSeconds } = this.#options;
    const bytes = Buffer.byteLength(JSON.stringify(added.update));
    const isFull = this.#events.length >= limits.maxEvents || this.#bytes + bytes > limits.maxBytes;
    if (bytes > limits.maxUpdateBytes || isFull) return null;
    this.#chooseNextId();
    const id = this.#tail++;
    this.#lastPushAt = nowSeconds();
    this.#events.push({ ...added, id, bytes });
    this.#bytes += bytes;
    return id;
  }

  /** What `getUpdates` gives; deletes below `offset`, or all but the last ones for a negative one. */
  take(offset: number, limit: number): readonly Queued[] {
    if (offset < 0) this.#dropFirst(Math.max(0, this.#events.length + offset));
    const head = this.#events[0]?.id ?? this.#tail;
    const isBelievable = offset > 0 && offset < LAST_ID && offset <= this.#tail + FUTURE && offset >= head - PAST;
    // An offset that is not believed is as good as none: from the head, and nothing is confirmed.
    if (isBelievable) this.#dropFirst(this.#events.filter(({ id }) => id < offset).length);
    this.#expire();
    return this.#fitting(this.#events.slice(0, limit));
  }

  /** A webhook took it. */
  remove(id: number): void {
    this.#keep(this.#events.filter((event) => event.id !== id));
  }

  clear(): void {
    this.#keep([]);
  }

  /** The next id is `to`, lower or higher; as after a week of silence, nothing waits any more. */
  resetIds(to: number): void {
    this.clear();
    this.#tail = to;
  }

  #chooseNextId(): void {
    const isSilent = this.#options.nowSeconds() - this.#lastPushAt >= SILENCE_S && this.live().length === 0;
    if (this.#tail < LAST_ID - 1 && !isSilent) return;
    this.resetIds(this.#randomId());
  }

  #randomId(): number {
    return this.#options.random.int(LOWEST_START, HIGHEST_START);
  }

  #fitting(events: readonly Queued[]): readonly Queued[] {
    let bytes = 0;
    const tooMuch = events.findIndex((event, index) => {
      bytes += event.bytes;
      return index > 0 && bytes > this.#options.limits.answerBytes;
    });
    return tooMuch === -1 ? events : events.slice(0, tooMuch);
  }

  #expire(): void {
    const now = this.#options.nowSeconds();
    if (this.#events.some(({ expiresAt }) => expiresAt < now))
      this.#keep(this.#events.filter(({ expiresAt }) => expiresAt >= now));
  }

  #dropFirst(count: number): void {
    if (count > 0) this.#keep(this.#events.slice(count));
  }

  #keep(events: Queued[]): void {
    this.#events = events;
    this.#bytes = events.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
