// Changes the engine of a running installation without losing a job. It may be killed anywhere and run again, and it may
// be run although all is done: then nothing happens.
//
//   record the new engine ──► wait: processes notice and drain ──► take over from dead workers ──► move the jobs
//
// From the record on, nobody can start on the old engine. Whatever a straggler still adds to it is in the ledger too, or
// is derived again: the new engine's reconciler and rollers find it missing.

import { sleep } from '../src/core/async.ts';
import { SECOND_MS } from '../src/core/duration.ts';
import { AppError } from '../src/core/errors.ts';
import { countByState } from './ledger-pages.ts';
import { moveJobs, type Moved, type MoveDeps } from './move-jobs.ts';

export type SwitchStep = 'drain' | 'move';

export interface SwitchProgress {
  readonly step: SwitchStep;
  readonly done: number;
  /** Null: nothing to count, only to wait for. It may grow while jobs are found. */
  readonly total: number | null;
  readonly note: string;
}

export interface SwitchDeps extends Omit<MoveDeps, 'onMoved'> {
  /** Records the new engine; how long it has been recorded, in milliseconds. Must change nothing when it is. */
  readonly record: () => Promise<number>;
  /** Workers that still run the old engine, by a name for people. */
  readonly stragglers: () => Promise<readonly string[]>;
  /** Takes what dead workers held out of their hands, on the old engine. */
  readonly takeOver: () => Promise<unknown>;
  /** How long to wait for the stragglers, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * From the record on until everybody must have noticed, in milliseconds; default 5 s. Api and scheduler processes have no
   * row that would say that they are gone.
   */
  readonly noticeMs?: number;
  readonly onProgress: (progress: SwitchProgress) => void;
}

const POLL_MS = 200;
const NOTICE_MS = 5 * SECOND_MS;

async function waitForDrain(deps: SwitchDeps, recordedForMs: number): Promise<void> {
  const { from, stragglers, timeoutMs, noticeMs = NOTICE_MS, clock, signal, onProgress } = deps;
  const begunAt = clock.mono();
  let most = 0;
  for (;;) {
    const left = await stragglers();
    most = Math.max(most, left.length);
    const waitedMs = clock.mono() - begunAt;
    const isQuiet = recordedForMs + waitedMs >= noticeMs;
    if (left.length === 0 && isQuiet) return;
    if (left.length > 0 && waitedMs >= timeoutMs) throw stillRunning(deps, left);
    onProgress(
      left.length > 0
        ? { step: 'drain', done: most - left.length, total: most, note: `workers of ${from.engine} ended` }
        : { step: 'drain', done: most, total: null, note: 'waiting until every process has noticed' },
    );
    await sleep(POLL_MS, signal);
  }
}

function stillRunning({ from, to, timeoutMs }: SwitchDeps, left: readonly string[]): AppError {
  return new AppError(
    'queue.engine_busy',
    `expected every worker of ${from.engine} to end within ${timeoutMs / SECOND_MS} s, still at work: ${left.join(', ')}. ` +
      `${to.engine} is recorded and no job was moved; let them end and run the same command again`,
    { details: { workers: left } },
  );
}

async function countWaiting({ db }: SwitchDeps): Promise<number> {
  const { admitted, dead } = await db.tx({ kind: 'ops' }, (tx) => countByState(tx));
  return admitted + dead;
}

/**
 * Both drivers are started; nothing else of this process uses them. Throws `queue.engine_busy` when workers of the old
 * engine do not end in time, and what database and engines throw; in each case run it again.
 */
export async function switchEngine(deps: SwitchDeps): Promise<Moved> {
  const recordedForMs = await deps.record();
  await waitForDrain(deps, recordedForMs);
  await deps.takeOver();
  const expected = await countWaiting(deps);
  let done = 0;
  return await moveJobs({
    ...deps,
    onMoved(jobs) {
      done += jobs;
      deps.onProgress({ step: 'move', done, total: Math.max(expected, done), note: 'jobs moved' });
    },
  });
}
