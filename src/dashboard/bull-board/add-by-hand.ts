// A job that somebody adds on the board: read through its kind like any other.

import type { QueueJobOptions } from '@bull-board/api/dist/types.js';
import type { QueueName } from '../../../queues/catalog.ts';
import { parsePayload } from '../../../queues/payload.ts';
import type { JobView } from '../../../queues/port.ts';
import { DAY_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import type { BoardDeps } from './deps.ts';

const MAX_DELAY_MS = 366 * DAY_MS;

interface Wanted {
  readonly kind: string;
  readonly payload: unknown;
  readonly options: QueueJobOptions;
}

/** Throws `queue.unknown_kind`, `queue.payload_invalid`, `usage.invalid` for a kind of another queue. */
export async function addByHand(
  { queue, clock }: BoardDeps,
  queueName: QueueName,
  { kind, payload, options }: Wanted,
): Promise<JobView> {
  const { delay = 0 }: { readonly delay?: unknown } = options ?? {};
  if (typeof delay !== 'number' || !(delay >= 0 && delay <= MAX_DELAY_MS))
    throw new AppError('input.invalid', `expected a delay of at most a year in milliseconds, got ${String(delay)}`);
  const { jobId } = await queue.enqueue({
    ...parsePayload(kind, payload),
    queue: queueName,
    userId: null,
    workClass: 'interactive',
    ...(delay === 0 ? {} : { runAt: new Date(clock.now().getTime() + delay) }),
  });
  const job = await queue.get(jobId);
  if (job === null) throw new AppError('queue.engine_failed', `expected the job ${jobId} that was just added`);
  return job;
}
