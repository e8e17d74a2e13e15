// getUpdates of one bot: a long poll, the conflicts of two who ask, and the brake on those who ask too often.
//
//   asked ── something waits, or timeout 0 ──▶ answered
//     └─ nothing waits ──▶ waiting ── update, timeout ──▶ answered
//                             └─ another one comes to wait, a webhook is set ──▶ 409

import { TelegramFailure } from './failure.ts';
import type { PlatformTime } from './time.ts';
import type { TelegramTraps } from './traps.ts';
import type { Queued, UpdateQueue } from './update-queue.ts';

export const CONFLICT = {
  webhookActive: "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
  otherPoller: 'terminated by other getUpdates request; make sure that only one bot instance is running',
  webhookSet: 'terminated by setWebhook request',
  otherWebhook: 'terminated by other setWebhook',
} as const;

export interface Question {
  readonly offset: number;
  readonly limit: number;
  readonly timeoutSeconds: number;
}

interface Waiting {
  readonly offset: number;
  readonly limit: number;
  readonly resolve: (updates: readonly Queued[]) => void;
  readonly reject: (error: unknown) => void;
  readonly over: AbortController;
  isWoken: boolean;
}

const HAMMER_WAIT_S = 3;
const HAMMER_LIMIT_MS = 500;
const CONFLICT_PAUSE_MS = 3_000;

export class Polling {
  readonly #queue: UpdateQueue;
  readonly #time: PlatformTime;
  readonly #traps: TelegramTraps;
  #waiting: Waiting | undefined;
  #watchers: (() => void)[] = [];
  #lastOffset = 0;
  #lastAskedAt = Number.NEGATIVE_INFINITY;
  #nextConflictAt = Number.NEGATIVE_INFINITY;

  constructor(queue: UpdateQueue, time: PlatformTime, traps: TelegramTraps) {
    this.#queue = queue;
    this.#time = time;
    this.#traps = traps;
  }

  /** Resolves as soon as somebody waits here for an update. */
  untilWaiting(): Promise<void> {
    if (this.#waiting !== undefined) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#watchers.push(resolve);
    return promise;
  }

  ask(question: Question): Promise<readonly Queued[]> {
    const { offset, limit, timeoutSeconds } = this.#braked(question);
    const updates = this.#queue.take(offset, limit);
    if (updates.length > 0 || timeoutSeconds === 0) return Promise.resolve(updates);
    // A caller that waits without an offset goes on where the queue began when it came.
    return this.#wait(offset > 0 ? offset : this.#queue.nextId, limit, timeoutSeconds * 1_000);
  }

  /** Something was queued: whoever waits gets it, together with what else comes in this moment. */
  wake(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || waiting.isWoken) return;
    waiting.isWoken = true;
    setImmediate(() => this.#finish(waiting));
  }

  /** The older poll pays for the newer one. */
  terminate(reason: string): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    waiting.over.abort();
    this.conflict(reason).catch(waiting.reject);
  }

  /** A second conflict in a short time is told late. */
  async conflict(reason: string): Promise<never> {
    const now = this.#time.mono();
    if (!this.#traps.smoothConflicts || now >= this.#nextConflictAt) this.#nextConflictAt = now + CONFLICT_PAUSE_MS;
    else await this.#time.wait(CONFLICT_PAUSE_MS);
    throw new TelegramFailure(409, `Conflict: ${reason}`);
  }

  /** Ends a poll without updates, when the simulator stops. */
  close(): void {
    if (this.#waiting !== undefined) this.#finish(this.#waiting);
  }

  #braked({ offset, limit, timeoutSeconds }: Question): Question {
    const now = this.#time.mono();
    const pauseMs = offset === this.#lastOffset ? now - this.#lastAskedAt : Number.POSITIVE_INFINITY;
    this.#lastOffset = offset;
    this.#lastAskedAt = now;
    if (!this.#traps.antiHammering) return { offset, limit, timeoutSeconds };
    return {
      offset,
      limit: pauseMs < HAMMER_LIMIT_MS ? 1 : limit,
      timeoutSeconds: pauseMs < HAMMER_WAIT_S * 1_000 ? Math.max(HAMMER_WAIT_S, timeoutSeconds) : timeoutSeconds,
    };
  }

  #wait(offset: number, limit: number, ms: number): Promise<readonly Queued[]> {
    this.terminate(CONFLICT.otherPoller);
    const { promise, resolve, reject } = Promise.withResolvers<readonly Queued[]>();
    const waiting: Waiting = { offset, limit, resolve, reject, over: new AbortController(), isWoken: false };
    this.#waiting = waiting;
    void this.#time.wait(ms, waiting.over.signal).then(() => this.#finish(waiting));
    for (const watcher of this.#watchers.splice(0)) watcher();
    return promise;
  }

  #finish(waiting: Waiting): void {
    if (this.#waiting !== waiting) return;
    this.#waiting = undefined;
    waiting.over.abort();
    waiting.resolve(this.#queue.take(waiting.offset, waiting.limit));
  }
}
