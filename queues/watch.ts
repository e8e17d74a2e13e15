// Looks after the jobs in hand: fires the signal of those that somebody cancelled or took over, tells their progress, enters
// into the ledger what the engine alone knows and takes long, and gives back what is in nobody's hand. It reads the ledger,
// because a notification may be lost.

import { sleep } from '../src/core/async.ts';
import type { NewLogLine } from './job-log.ts';
import type { JobRun } from './job-run.ts';
import { createForgotten, type Forgotten, type ForgottenOptions } from './forgotten.ts';
import { heldBy, saveProgress } from './ledger-claims.ts';
import { enterLedger, stillOurs } from './ledger-entry.ts';

export interface WatchOptions extends ForgottenOptions {
  readonly runs: ReadonlySet<JobRun>;
  readonly saveLines: (lines: readonly NewLogLine[]) => void;
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

/** With nothing in hand it still looks for forgotten claims, every so many rounds; in the engine it looks no oftener. */
const IDLE_ROUNDS = 20;

async function enterLong({ db, clock, workerId }: WatchOptions, run: JobRun): Promise<void> {
  await run.enterLedger(async () => {
    const { row } = run.job;
    const { attempts, takeovers, runAt, startedAt } = row;
    const entry = { job: row, state: 'active', attempts, takeovers, runAt, workerId, startedAt, error: null } as const;
    const { entered, superseded } = await enterLedger(db, [entry], clock.now());
    if (!entered.has(row.id) && !superseded.has(row.id)) run.stop('claim_lost');
    return entered.has(row.id);
  });
}

/** A job that takes long is one that people may want to see, cancel and take over: it becomes like any other. */
async function enterLongOnes(options: WatchOptions, runs: readonly JobRun[]): Promise<void> {
  const { driver, clock, workerId, everyMs } = options;
  const since = clock.mono() - everyMs;
  const long = runs.filter(({ job, begunAt, stopReason }) => !job.ledgered && begunAt <= since && stopReason === null);
  const ours = await stillOurs(
    driver,
    workerId,
    long.map(({ job: { row, token } }) => ({ id: row.id, queue: row.queue, token })),
  );
  for (const run of long) {
    if (ours.has(run.job.row.id)) await enterLong(options, run);
    else run.stop('claim_lost');
  }
}

async function look(options: WatchOptions, forgotten: Forgotten): Promise<void> {
  const { db, workerId, runs } = options;
  // Only runs that were in hand before the question: a job claimed meanwhile may be missing from the answer.
  const before = [...runs].filter(({ job }) => job.ledgered);
  const progress = before.flatMap((run) => {
    const told = run.takeProgress();
    return told === null ? [] : [{ id: run.job.row.id, claim: run.job.row.claim, ...told }];
  });
  const held = await db.tx({ kind: 'ops' }, async (tx) => {
    await saveProgress(tx, progress, workerId);
    return await heldBy(tx, workerId);
  });
  const claims = new Map(held.map((claim) => [claim.id, claim]));
  for (const run of before) {
    const { id, claim } = run.job.row;
    const current = claims.get(id);
    // A run that has just been settled is missing too; it no longer listens.
    if (current === undefined || current.claim !== claim) run.stop('claim_lost');
    else if (current.cancelRequested) run.stop('cancelled');
  }
  await forgotten.inLedger(held);
}

/** Runs until the signal fires. */
export async function watchClaims(options: WatchOptions): Promise<void> {
  const { runs, everyMs, signal, log } = options;
  const forgotten = createForgotten(options);
  const attempt = (work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => log.emit('loop.failed', { part: 'watch', error }));
  for (let round = 0; !signal.aborted; round++) {
    const isSlowRound = round % IDLE_ROUNDS === 0;
    for (const run of runs) options.saveLines(run.takeLines());
    // Apart, because it asks the engine: while that is away, a cancel in the ledger must be seen all the same.
    if (runs.size > 0) await attempt(enterLongOnes(options, [...runs]));
    if (runs.size > 0 || isSlowRound) await attempt(look(options, forgotten));
    if (isSlowRound) await attempt(forgotten.inEngine());
    await sleep(everyMs, signal).catch(() => undefined);
  }
}
