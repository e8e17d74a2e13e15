// The handlers at work in a lane: begun, watched over by their runs, judged when they end, and settled. A hand is free when
// its handler has ended; its end may still be on its way to the store.

import { SECOND_MS } from '../src/core/duration.ts';
import { KINDS, type JobKind } from './catalog.ts';
import type { ConsumerOptions } from './consumer-options.ts';
import { startJob, type ClaimedJob, type JobRun } from './job-run.ts';
import type { Handler } from './port.ts';
import type { Settler } from './settler.ts';
import { judge, type Verdict } from './verdict.ts';

export interface HandsOptions extends ConsumerOptions {
  readonly draining: AbortSignal;
  /** All runs of the consumer: a set, not a map by id, because a lost claim may still run when its job is given again. */
  readonly runs: Set<JobRun>;
  readonly settler: Settler;
  /** A hand is free. */
  readonly onFree: () => void;
  /** The end is stored, or refused. */
  readonly onEnded: (run: JobRun, verdict: Verdict, durationMs: number) => void;
}

export interface Hands {
  /** Handlers at work. */
  readonly running: number;
  /** Those, and the ends that are not stored yet. */
  readonly unsettled: number;
  begin(job: ClaimedJob): void;
  /** Resolves when every handler has ended and its end is stored. */
  finished(): Promise<void>;
}

export function createHands(options: HandsOptions): Hands {
  const { handlers, runs, settler, clock, onFree, onEnded, random = Math.random } = options;
  const { abandonAfterMs = 10 * SECOND_MS } = options;
  const timeoutMsOf = (kind: JobKind): number => options.timeoutMsOf?.(kind) ?? KINDS[kind].timeoutMs;
  const unsettled = new Set<Promise<void>>();
  let running = 0;

  async function finish(run: JobRun): Promise<void> {
    const ending = await run.ended;
    running -= 1;
    onFree();
    const { job, stopReason: stop, begunAt } = run;
    const { kind, row } = job;
    const policy = KINDS[kind].retry;
    const facts = { ending, stop, attempt: row.attempts, policy, timeoutMs: timeoutMsOf(kind), random: random() };
    const verdict = judge(facts);
    const durationMs = clock.mono() - begunAt;
    const stored = await settler.settle(job, verdict);
    onEnded(run, stored ? verdict : { as: 'lost' }, durationMs);
  }

  return {
    get running() {
      return running;
    },
    get unsettled() {
      return unsettled.size;
    },
    begin(job) {
      const handler = handlers[job.kind] as Handler<JobKind>;
      const timeoutMs = timeoutMsOf(job.kind);
      const run = startJob({ ...options, job, handler, timeoutMs, abandonAfterMs, begunAt: clock.mono() });
      runs.add(run);
      running += 1;
      const finished = finish(run).finally(() => {
        unsettled.delete(finished);
        runs.delete(run);
        onFree();
      });
      unsettled.add(finished);
    },
    async finished() {
      await Promise.all(unsettled);
    },
  };
}
