// Runs that somebody watches: whatever process works on them, their rows tell. One question to the database twice a second
// for all watched runs together, and none while nobody watches.

import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Database } from '../db/database.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import { listRunsById, type Run } from '../store/run-views.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface RunWatch {
  readonly loop: Loop;
  /** The run now, and again whenever it has changed, until it has ended. Throws `not_found`, `api.overloaded`. */
  watch(runId: string, signal: AbortSignal): AsyncIterable<Run>;
}

const LOOK_EVERY_MS = 500;
const MAX_WATCHED = 500;

export function hasEnded({ completedAt }: Run): boolean {
  return completedAt !== null;
}

/** Everything of a run that a watcher could see change. */
const stateOf = (run: Run): string => JSON.stringify(run);

/** One watcher: what it was told last, and what it has not taken yet. */
class Watcher {
  readonly runId: string;
  #state = '';
  #latest: Run | null | undefined;
  #arrived = Promise.withResolvers<void>();

  constructor(runId: string) {
    this.runId = runId;
  }

  /** The run as it is, or null when there is nothing more to tell. What was not taken yet is replaced. */
  tell(run: Run | null): void {
    const state = run === null ? 'gone' : stateOf(run);
    if (state === this.#state) return;
    this.#state = state;
    this.#latest = run;
    this.#arrived.resolve();
  }

  async next(): Promise<Run | null> {
    await this.#arrived.promise;
    this.#arrived = Promise.withResolvers();
    const run = this.#latest ?? null;
    this.#latest = undefined;
    return run;
  }
}

export interface RunWatchDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: EventLog;
}

export function createRunWatch({ db, clock, log }: RunWatchDeps): RunWatch {
  const watchers = new Set<Watcher>();

  async function look(): Promise<void> {
    if (watchers.size === 0) return;
    const asked = [...watchers];
    const ids = [...new Set(asked.map(({ runId }) => runId))];
    const runs = new Map((await db.tx({ kind: 'ops' }, (tx) => listRunsById(tx, ids))).map((run) => [run.id, run]));
    for (const watcher of asked) watcher.tell(runs.get(watcher.runId) ?? null);
  }

  const loop = createLoop({ name: 'run-watch', everyMs: LOOK_EVERY_MS, pass: look, log, clock });

  return {
    loop,
    async *watch(runId, signal) {
      if (watchers.size >= MAX_WATCHED)
        throw new AppError('api.overloaded', `expected at most ${MAX_WATCHED} watched runs: try again later`);
      const watcher = new Watcher(runId);
      const leave = (): void => watcher.tell(null);
      signal.addEventListener('abort', leave, { once: true });
      watchers.add(watcher);
      try {
        loop.wake();
        for (;;) {
          const run = await watcher.next();
          if (run === null || signal.aborted) return;
          yield run;
          if (hasEnded(run)) return;
        }
      } finally {
        watchers.delete(watcher);
        signal.removeEventListener('abort', leave);
      }
    },
  };
}
