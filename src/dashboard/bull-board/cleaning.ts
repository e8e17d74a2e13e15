// The board's verbs for many jobs at once: bounded batches, until nothing is left or somebody keeps adding.

import type { JobCleanStatus } from '@bull-board/api/dist/types.js';
import { queueOfDeadLetter } from '../../../queues/catalog.ts';
import type { CleanFilter } from '../../../queues/port.ts';
import { AppError } from '../../core/errors.ts';
import { cancelJob } from '../../scheduler/cancel-job.ts';
import type { BoardDeps } from './deps.ts';

export interface QueueCleaning {
  clean(status: JobCleanStatus, graceTimeMs: number): Promise<void>;
  empty(): Promise<void>;
  /** The queue is paused. `spare-active` refuses while jobs are in hand; `cancel-active` tells them to stop. */
  obliterate(active: 'cancel-active' | 'spare-active'): Promise<void>;
  promoteAll(): Promise<void>;
  /** Dead letters again, as `jobs retry` does it. */
  retryAll(): Promise<Retried>;
}

export interface Retried {
  readonly retried: number;
  /** Dead letters whose unique key another job holds, or that were too many for one time. */
  readonly skipped: number;
}

type States = CleanFilter['states'];

const STATES: Readonly<Partial<Record<JobCleanStatus, States>>> = {
  completed: ['completed'],
  failed: ['failed', 'cancelled', 'dead'],
  delayed: ['delayed'],
  wait: ['waiting'],
};
const EVERYTHING: States = ['waiting', 'delayed', 'completed', 'failed', 'cancelled', 'dead'];
const BATCH = 1_000;
const MAX_BATCHES = 100;
const PAGE = 200;

async function promoteAll(name: string, { queue }: BoardDeps): Promise<void> {
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const delayed = await queue.list({ queue: name, states: ['delayed'], limit: PAGE });
    const promoted = await Promise.all(delayed.map(({ id }) => queue.promote(id)));
    if (delayed.length < PAGE || !promoted.includes(true)) return;
  }
}

async function retryAll(name: string, { queue }: BoardDeps): Promise<Retried> {
  const dead = { queue: queueOfDeadLetter(name) ?? name };
  let retried = 0;
  let left = 0;
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const replayed = await queue.replay(dead, BATCH);
    retried += replayed.replayed;
    left = replayed.left;
    if (replayed.replayed < BATCH) break;
  }
  return { retried, skipped: left };
}

export function createQueueCleaning(name: string, deps: BoardDeps): QueueCleaning {
  const { queue, clock } = deps;

  async function cleanAll(states: States, before: Date): Promise<void> {
    for (let batch = 0; batch < MAX_BATCHES; batch++)
      if ((await queue.clean({ queue: name, states, before, limit: BATCH })) < BATCH) return;
  }

  /** Everything that is there now, and no more. */
  const now = (): Date => new Date(clock.now().getTime() + 1);

  /** They stay in hand until their workers have heard of it. */
  async function cancelActive(): Promise<void> {
    for (let page = 0; page < MAX_BATCHES; page++) {
      const inHand = await queue.list({ queue: name, states: ['active'], limit: PAGE, offset: page * PAGE });
      for (const { id } of inHand) await cancelJob(deps, id);
      if (inHand.length < PAGE) return;
    }
  }

  return {
    async clean(status, graceTimeMs) {
      const states = Object.hasOwn(STATES, status) ? STATES[status] : undefined;
      if (states === undefined)
        throw new AppError(
          'input.invalid',
          `expected jobs that have ended or wait, got ${status}: cancel them instead`,
        );
      await cleanAll(states, new Date(clock.now().getTime() - graceTimeMs));
    },
    async empty() {
      // Of a dead letter, what is in it.
      await cleanAll(queueOfDeadLetter(name) === null ? ['waiting', 'delayed'] : ['dead'], now());
    },
    async obliterate(active) {
      const { active: inHand } = await queue.counts(name);
      // Bull Board knows this refusal by its text.
      if (inHand > 0 && active === 'spare-active') throw new Error('Cannot obliterate queue with active jobs');
      if (inHand > 0) await cancelActive();
      await cleanAll(EVERYTHING, now());
    },
    promoteAll: () => promoteAll(name, deps),
    retryAll: () => retryAll(name, deps),
  };
}
