// What becomes of a job after its handler returned or threw. Pure: outcome or error x why the signal fired → verdict.

import { AppError, reportOf, toAppError, type ErrorReport } from '../src/core/errors.ts';
import { decide, type RetryPolicy } from '../src/core/retry.ts';
import type { Outcome } from './outcome.ts';

/** Why the signal of a job fired. */
export type StopReason = 'cancelled' | 'timeout' | 'claim_lost' | 'drained';

export type Verdict =
  | { readonly as: 'completed'; readonly result: unknown }
  | { readonly as: 'discarded'; readonly reason: string }
  | { readonly as: 'cancelled' }
  /** `spent`: the attempt counts. */
  | {
      readonly as: 'retried' | 'snoozed';
      readonly delayMs: number;
      readonly spent: boolean;
      readonly error: ErrorReport | null;
    }
  | { readonly as: 'dead'; readonly error: ErrorReport }
  /** Somebody else holds the job by now: nothing is written. */
  | { readonly as: 'lost' };

/** How a handler ended. `abandoned`: it did not react to its signal in time and is no longer waited for. */
export type Ending =
  | { readonly how: 'returned'; readonly outcome: Outcome }
  | { readonly how: 'threw'; readonly error: unknown }
  | { readonly how: 'abandoned' };

export interface EndedJob {
  readonly ending: Ending;
  readonly stop: StopReason | null;
  readonly attempt: number;
  readonly policy: RetryPolicy;
  readonly timeoutMs: number;
  /** Uniform in [0, 1). */
  readonly random: number;
}

const AT_ONCE: Verdict = { as: 'snoozed', delayMs: 0, spent: false, error: null };

function fromOutcome(outcome: Outcome): Verdict {
  switch (outcome.kind) {
    case 'completed':
      return { as: 'completed', result: outcome.result };
    case 'snooze':
      return { as: 'snoozed', delayMs: Math.max(0, outcome.delayMs), spent: false, error: null };
    case 'discard':
      return { as: 'discarded', reason: outcome.reason };
  }
}

function fromError(thrown: unknown, { attempt, policy, random }: EndedJob): Verdict {
  const error = toAppError(thrown);
  const report = reportOf(error);
  const decision = decide({ error, attempt, policy, random });
  switch (decision.action) {
    case 'retry':
      return { as: 'retried', delayMs: decision.delayMs, spent: true, error: report };
    case 'replan':
      return { as: 'retried', delayMs: 0, spent: true, error: report };
    case 'snooze':
      return { as: 'snoozed', delayMs: decision.delayMs, spent: false, error: report };
    case 'discard':
      return { as: 'discarded', reason: `${report.code}: ${report.message}` };
    // A handler that parks something does so itself; the job that ends here waits for a person in the dead letter.
    case 'park':
    case 'dead':
      return { as: 'dead', error: report };
  }
}

export function judge(job: EndedJob): Verdict {
  const { ending, stop, timeoutMs } = job;
  if (stop === 'claim_lost') return { as: 'lost' };
  // What a handler finished is finished, whatever was asked of it meanwhile.
  if (ending.how === 'returned' && (stop === null || ending.outcome.kind === 'completed'))
    return fromOutcome(ending.outcome);
  switch (stop) {
    case 'cancelled':
      return { as: 'cancelled' };
    case 'drained':
      return ending.how === 'returned' ? fromOutcome(ending.outcome) : AT_ONCE;
    case 'timeout':
      if (ending.how === 'returned') return fromOutcome(ending.outcome);
      return fromError(new AppError('queue.job_timeout', `expected the handler to end within ${timeoutMs} ms`), job);
    case null:
      return fromError(ending.how === 'threw' ? ending.error : new AppError('internal', 'handler was abandoned'), job);
  }
}
