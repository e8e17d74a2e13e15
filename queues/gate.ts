// Where a lane's claims go through: straight to the engine while nobody controls its queues, and under what operators set
// otherwise. Remembers what the last claim saw, because an end of a job must not cost a question.

import { claimControlled, claimJobs, type Claimed } from './claim.ts';
import type { ClaimDeps } from './claim-deps.ts';
import type { ControlsCache } from './controls.ts';
import type { ClaimRequest } from './driver.ts';

export interface Gate {
  /** Whether anything was set for a queue of the last claim. */
  readonly isControlled: boolean;
  /** Whether its jobs in hand are limited over all workers, so that others may wait for one to end. */
  isShared(queue: string): boolean;
  claim(request: ClaimRequest): Promise<Claimed>;
}

export interface GateOptions {
  readonly deps: ClaimDeps;
  readonly controls: ControlsCache;
  /** A rate lets the next job start in so many milliseconds. */
  readonly onAgain: (ms: number) => void;
}

export function createGate({ deps, controls, onAgain }: GateOptions): Gate {
  let shared: ReadonlySet<string> = new Set();
  let isControlled = false;
  return {
    get isControlled() {
      return isControlled;
    },
    isShared: (queue) => shared.has(queue),
    async claim(request) {
      const all = await controls.read();
      const mine = request.queues.flatMap(({ name }) => all.get(name) ?? []);
      isControlled = mine.length > 0;
      shared = new Set(mine.filter(({ concurrency }) => concurrency !== null).map(({ queue }) => queue));
      if (!isControlled) return await claimJobs(deps, request);
      const { againInMs, ...claimed } = await claimControlled(deps, request);
      if (againInMs !== null) onAgain(againInMs);
      return claimed;
    },
  };
}
