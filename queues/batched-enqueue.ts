// Single enqueues that come at the same moment share a transaction: each waits for what is under way, and the next group is
// everybody who waits. One that is refused, or that the database cannot take, spoils nobody else's.

import { AppError, toAppError } from '../src/core/errors.ts';
import { isJobKind, KINDS } from './catalog.ts';
import { createCollector } from './collector.ts';
import type { Enqueued, JobQueue, JobRequest } from './port.ts';

type EnqueueOne = (request: JobRequest) => Promise<Enqueued>;

interface Waiting {
  readonly request: JobRequest;
  readonly resolve: (answer: Enqueued) => void;
  readonly reject: (error: unknown) => void;
}

const GROUP_SIZE = 500;
/** Requests that wait while the store is slow; a producer who goes on then is told so. */
const MAX_WAITING = 50_000;
const LANES = 2;

export function createBatchedEnqueue(enqueueMany: JobQueue['enqueueMany']): EnqueueOne {
  async function flush(group: readonly Waiting[]): Promise<void> {
    try {
      const answers = await enqueueMany(group.map(({ request }) => request));
      for (const [index, { resolve }] of group.entries()) resolve(answers[index]!);
    } catch (error) {
      // A database that is away is away for all of them.
      if (group.length === 1 || toAppError(error).kind === 'transient') for (const { reject } of group) reject(error);
      else for (const waiting of group) await flush([waiting]);
    }
  }

  // Apart, because an engine that is away must not spoil what the ledger accepted.
  const ledgered = createCollector<Waiting>({ maxSize: GROUP_SIZE, lanes: LANES, flush });
  const derived = createCollector<Waiting>({ maxSize: GROUP_SIZE, lanes: LANES, flush });
  return (request) => {
    const { promise, resolve, reject } = Promise.withResolvers<Enqueued>();
    const isDerived = isJobKind(request.kind) && KINDS[request.kind].derived;
    const collector = isDerived ? derived : ledgered;
    if (collector.waiting < MAX_WAITING) collector.push({ request, resolve, reject });
    else reject(new AppError('queue.overloaded', `expected fewer than ${MAX_WAITING} enqueues to wait at once`));
    return promise;
  };
}
