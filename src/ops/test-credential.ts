// Asking a platform whether an account's credentials work. Only a worker can open them, so it is a job that somebody waits
// for.

import { z } from 'zod';
import { sleep } from '../core/async.ts';
import { SECOND_MS } from '../core/duration.ts';
import { AppError, reportOf, type ErrorReport } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import type { JobQueue, JobView } from '../../queues/port.ts';

export interface Tested {
  readonly jobId: string;
  /** `unfinished`: no worker had done it in time; the job goes on. */
  readonly outcome: 'ok' | 'refused' | 'unfinished';
  readonly account: { readonly externalAccountId: string; readonly displayName: string } | null;
  readonly error: ErrorReport | null;
}

/** What the job `credential.test` leaves as its result. */
const resultSchema = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    account: z.object({ externalAccountId: z.string(), displayName: z.string() }),
  }),
  z.object({
    ok: z.literal(false),
    error: z.custom<ErrorReport>((value) => typeof value === 'object' && value !== null),
  }),
]);

export type TestResult = z.output<typeof resultSchema>;

const WAIT_MS = 10 * SECOND_MS;
const LOOK_EVERY_MS = 100;

function testedBy({ id: jobId, state, result, error }: JobView): Tested | null {
  const told = state === 'completed' ? resultSchema.safeParse(result).data : undefined;
  if (told?.ok === true) return { jobId, outcome: 'ok', account: told.account, error: null };
  if (told?.ok === false) return { jobId, outcome: 'refused', account: null, error: told.error };
  const isOver = state === 'completed' || state === 'dead' || state === 'failed' || state === 'cancelled';
  const nothing = reportOf(new AppError('run.unsuccessful', `the test ended without a result (${state})`));
  return isOver ? { jobId, outcome: 'refused', account: null, error: error ?? nothing } : null;
}

/** Enqueues the test and waits for its end, at most ten seconds. */
export async function testCredential(
  { queue, clock }: { readonly queue: Pick<JobQueue, 'enqueue' | 'get'>; readonly clock: Clock },
  { integrationId, userId }: { readonly integrationId: string; readonly userId: string },
  signal: AbortSignal,
): Promise<Tested> {
  const { jobId } = await queue.enqueue({
    kind: 'credential.test',
    payload: { integrationId },
    uniqueKey: integrationId,
    userId,
    workClass: 'interactive',
  });
  const giveUpAt = clock.mono() + WAIT_MS;
  while (clock.mono() < giveUpAt) {
    const job = await queue.get(jobId);
    const tested = job === null ? null : testedBy(job);
    if (tested !== null) return tested;
    await sleep(LOOK_EVERY_MS, signal);
  }
  return { jobId, outcome: 'unfinished', account: null, error: null };
}
