// A job that somebody adds on the board, or a copy of one that is there: read through its kind like any other. What cannot be
// meant is refused with the reason instead of being passed over.

import { z } from 'zod';
import { KINDS, type QueueName } from '../../../queues/catalog.ts';
import { parsePayload } from '../../../queues/payload.ts';
import type { JobView } from '../../../queues/port.ts';
import { DAY_MS } from '../../core/duration.ts';
import { AppError } from '../../core/errors.ts';
import { issueTextIn } from '../../core/schema-issues.ts';
import type { BoardDeps } from './deps.ts';
import { kindsOf } from './kinds.ts';

const MAX_DELAY_MS = 366 * DAY_MS;
const MAX_PRIORITY = 100_000;
/** What the board calls a job whose name was left empty. */
const UNNAMED: ReadonlySet<string> = new Set(['', '__default__']);

/** What the board's form knows and the queue has. */
const options = z.strictObject({
  delay: z.number().min(0).max(MAX_DELAY_MS).default(0),
  priority: z.int().min(-MAX_PRIORITY).max(MAX_PRIORITY).default(0),
  attempts: z.int().optional(),
});

function readOptions(given: unknown): z.output<typeof options> {
  const { success, data, error } = options.safeParse(given ?? {});
  if (success) return data;
  const problems = error.issues.map((issue) => issueTextIn(issue, 'options'));
  throw new AppError('input.invalid', problems.join('; '));
}

/** A name that was left empty means the queue's only kind. */
function kindOf(name: string, queue: QueueName): string {
  const kinds = kindsOf(queue);
  if (!UNNAMED.has(name)) return name;
  if (kinds.length === 1) return kinds[0]!;
  throw new AppError('input.invalid', `expected a job name of ${kinds.join(', ') || 'no kind: none goes here'}`);
}

interface Wanted {
  readonly name: string;
  readonly payload: unknown;
  readonly options: unknown;
}

/** Throws `queue.unknown_kind`, `queue.payload_invalid`, `input.invalid`, `usage.invalid` for a kind of another queue. */
export async function addByHand(
  { queue, clock }: BoardDeps,
  queueName: QueueName,
  { name, payload, options: given }: Wanted,
): Promise<JobView> {
  const parsed = parsePayload(kindOf(name, queueName), payload);
  const { delay, attempts, priority } = readOptions(given);
  const { maxAttempts } = KINDS[parsed.kind].retry;
  if (attempts !== undefined && attempts !== maxAttempts)
    throw new AppError(
      'input.invalid',
      `expected ${maxAttempts} attempts, as every ${parsed.kind} has, got ${attempts}`,
    );
  const { jobId } = await queue.enqueue({
    ...parsed,
    priority,
    queue: queueName,
    userId: null,
    workClass: 'interactive',
    ...(delay === 0 ? {} : { runAt: new Date(clock.now().getTime() + delay) }),
  });
  const job = await queue.get(jobId);
  if (job === null) throw new AppError('queue.engine_failed', `expected the job ${jobId} that was just added`);
  return job;
}
