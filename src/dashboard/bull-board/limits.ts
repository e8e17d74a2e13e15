// Pause, limit of jobs in hand and rate of starts of one queue. A dead letter starts nothing, so it has none of them.

import type { QueueRateLimit } from '@bull-board/api/dist/types.js';
import { queueOfDeadLetter, requireQueue, type QueueName } from '../../../queues/catalog.ts';
import type { QueueControls } from '../../../queues/port.ts';
import { AppError } from '../../core/errors.ts';
import type { BoardDeps } from './deps.ts';

/** The board takes this for "no limit". */
const NO_LIMIT = 0;

export interface QueueLimits {
  isPaused(): Promise<boolean>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  concurrency(): Promise<number | null>;
  setConcurrency(concurrency: number): Promise<void>;
  rate(): Promise<QueueRateLimit | null>;
  /** Null takes it away. */
  setRate(rate: QueueRateLimit | null): Promise<void>;
}

export function createQueueLimits(name: string, { queue, controls }: BoardDeps): QueueLimits {
  const own = async (): Promise<QueueControls | undefined> => (await controls()).find((each) => each.queue === name);

  function limited(): QueueName {
    if (queueOfDeadLetter(name) !== null)
      throw new AppError('input.invalid', 'a dead letter starts nothing: limit its queue');
    return requireQueue(name);
  }

  return {
    isPaused: async () => (await own())?.pausedAt instanceof Date,
    async pause() {
      // "Pause all" comes by a dead letter too.
      if (queueOfDeadLetter(name) === null) await queue.pause(limited());
    },
    async resume() {
      if (queueOfDeadLetter(name) === null) await queue.resume(limited());
    },
    concurrency: async () => (await own())?.concurrency ?? null,
    async setConcurrency(concurrency) {
      await queue.limit(limited(), { concurrency: concurrency === NO_LIMIT ? null : concurrency });
    },
    async rate() {
      const rate = (await own())?.rate ?? null;
      return rate === null ? null : { max: rate.max, duration: rate.perMs };
    },
    async setRate(rate) {
      await queue.limit(limited(), { rate: rate === null ? null : { max: rate.max, perMs: rate.duration } });
    },
  };
}
