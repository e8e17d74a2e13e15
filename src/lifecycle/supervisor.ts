// Keeps one process per role alive: forks them, starts a crashed one again with backoff, drains all on `stop`. It does
// no work of its own, so that nothing in it can block or leak, and it never outlives a wrong configuration.
//
//   fork → (ready) → exit ──code 2──→ `refused`: whoever runs the supervisor stops everything and exits 2
//            ↑         └──otherwise─→ wait (backoff) ──┐
//            └─────────────────────────────────────────┘

import { setTimeout as delay } from 'node:timers/promises';
import { sleep } from '../core/async.ts';
import { backoffMs, type Backoff } from '../core/backoff.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { AppError, isAbort } from '../core/errors.ts';
import type { EventLog } from '../telemetry/event-log.ts';
import { EXIT_CONFIG } from './exit-code.ts';
import type { Health, Service } from './service.ts';
import { forkChild, type ChildExit, type ChildSpec, type SupervisedChild } from './supervised-child.ts';

export interface SupervisorOptions {
  readonly children: readonly ChildSpec[];
  /** What the children have for draining, in milliseconds; who takes 2 s longer is killed. */
  readonly drainMs: number;
  readonly log: EventLog;
  readonly clock?: Clock;
  /** Waits before restarts in a row; default 0.5 s doubling to 30 s. */
  readonly backoff?: Backoff;
}

/** `start` resolves when every child said that it is ready, however often it had to be started for that. */
export interface Supervisor extends Service {
  /** Resolves with the exit code 2 when a child says that its configuration is wrong. */
  readonly refused: Promise<typeof EXIT_CONFIG>;
  /** How long `stop` may take, in milliseconds. */
  readonly stopWithinMs: number;
}

const DEFAULT_BACKOFF: Backoff = { baseMs: 1_000, capMs: 30_000 };
const KILL_GRACE_MS = 2_000;
/** A child that lived this long was fine: its next crash is a first one again. */
const STABLE_MS = 60_000;

export function createSupervisor(options: SupervisorOptions): Supervisor {
  return new ProcessSupervisor(options);
}

/** One role: its present process and whether that is ready. */
interface Post {
  readonly spec: ChildSpec;
  readonly firstReady: PromiseWithResolvers<void>;
  child: SupervisedChild | undefined;
  isReady: boolean;
}

class ProcessSupervisor implements Supervisor {
  readonly name = 'supervisor';
  readonly refused: Promise<typeof EXIT_CONFIG>;
  readonly stopWithinMs: number;
  readonly #options: SupervisorOptions;
  readonly #clock: Clock;
  readonly #posts: readonly Post[];
  readonly #refusal = Promise.withResolvers<ChildSpec>();
  readonly #stop = new AbortController();
  #kept: Promise<unknown> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.stopWithinMs = options.drainMs + 2 * KILL_GRACE_MS;
    this.refused = this.#refusal.promise.then(() => EXIT_CONFIG);
    this.#posts = options.children.map((spec) => ({
      spec,
      firstReady: Promise.withResolvers(),
      child: undefined,
      isReady: false,
    }));
  }

  async start(): Promise<void> {
    if (this.#kept !== undefined || this.#stop.signal.aborted) return;
    process.on('exit', this.#killAll);
    this.#kept = Promise.all(this.#posts.map((post) => this.#keep(post)));
    const allReady = Promise.all(this.#posts.map((post) => post.firstReady.promise));
    const refused = await Promise.race([allReady.then(() => undefined), this.#refusal.promise, this.#stopped()]);
    if (this.#stop.signal.aborted) throw this.#stop.signal.reason;
    if (refused === undefined) return;
    await this.stop();
    throw new AppError(
      'process.child_refused',
      `the ${refused.role} process was expected to start and ended with code ${EXIT_CONFIG}: its configuration is wrong`,
    );
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    for (const { child } of this.#posts) child?.drain();
    const timer = new AbortController();
    const killing = this.#killLate(timer.signal);
    await this.#kept;
    timer.abort();
    await killing;
    process.off('exit', this.#killAll);
  }

  health(): Health {
    const missing = this.#posts.filter((post) => !post.isReady).map((post) => post.spec.role);
    return missing.length === 0 ? { status: 'ok' } : { status: 'degraded', reason: `not ready: ${missing.join(', ')}` };
  }

  /** However this process ends, its children end first; a second Ctrl-C must leave nothing behind. */
  readonly #killAll = (): void => {
    for (const { child } of this.#posts) child?.kill();
  };

  async #keep(post: Post): Promise<void> {
    let restarts = 0;
    while (!this.#stop.signal.aborted) {
      const startedAt = this.#clock.mono();
      const { exit, pid } = await this.#runOnce(post);
      if (this.#stop.signal.aborted) return;
      if (exit.exitCode === EXIT_CONFIG) return this.#refusal.resolve(post.spec);
      restarts = this.#clock.mono() - startedAt >= STABLE_MS ? 1 : restarts + 1;
      const restartInMs = backoffMs(this.#options.backoff ?? DEFAULT_BACKOFF, restarts, Math.random());
      this.#options.log.emit('process.child_exited', {
        child: post.spec.role,
        childPid: pid,
        ...exit,
        restarts,
        restartInMs,
      });
      await untilAborted(restartInMs, this.#stop.signal);
    }
  }

  async #runOnce(post: Post): Promise<{ readonly exit: ChildExit; readonly pid: number | undefined }> {
    const child = forkChild(post.spec);
    post.child = child;
    void this.#noteReady(post, child);
    const exit = await child.exited;
    post.child = undefined;
    post.isReady = false;
    return { exit, pid: child.pid };
  }

  async #noteReady(post: Post, child: SupervisedChild): Promise<void> {
    await child.ready;
    if (post.child !== child) return;
    post.isReady = true;
    post.firstReady.resolve();
    this.#options.log.emit('process.child_ready', { child: post.spec.role, childPid: child.pid });
  }

  async #killLate(signal: AbortSignal): Promise<void> {
    try {
      await delay(this.#options.drainMs + KILL_GRACE_MS, undefined, { signal });
    } catch {
      return;
    }
    for (const { spec, child } of this.#posts) {
      if (child === undefined) continue;
      this.#options.log.emit('process.child_killed', { child: spec.role, childPid: child.pid });
      child.kill();
    }
  }

  #stopped(): Promise<undefined> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#stop.signal.addEventListener('abort', () => resolve(undefined), { once: true });
    return promise;
  }
}

async function untilAborted(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, signal);
  } catch (error) {
    if (!isAbort(error)) throw error;
  }
}
