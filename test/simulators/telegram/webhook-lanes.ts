// Which update a webhook is given next: the oldest of each lane, unless the lane is busy or pauses after a failure.

import type { Queued } from './update-queue.ts';

interface Lane {
  /** The update that failed; another one at the head starts anew. */
  id: number;
  isBusy: boolean;
  failures: number;
  /** Monotonic milliseconds. */
  notBefore: number;
}

export class WebhookLanes {
  readonly #lanes = new Map<string, Lane>();

  /** The oldest update that may go now, taken: its lane is busy until `settle` or `fail`. */
  next(live: readonly Queued[], now: number): Queued | undefined {
    const seen = new Set<string>();
    for (const queued of live) {
      if (seen.has(queued.lane)) continue;
      seen.add(queued.lane);
      const lane = this.#laneOf(queued);
      if (lane.isBusy || lane.notBefore > now) continue;
      lane.isBusy = true;
      return queued;
    }
    return undefined;
  }

  settle({ lane }: Queued): void {
    this.#lanes.delete(lane);
  }

  /** Holds the lane back; `pauseMs` gets how often this update has failed by now. */
  fail(queued: Queued, now: number, pauseMs: (failures: number) => number): number {
    const lane = this.#laneOf(queued);
    lane.isBusy = false;
    lane.failures += 1;
    const pause = pauseMs(lane.failures);
    lane.notBefore = now + pause;
    return pause;
  }

  /** The pause is over: a timer may end a fraction of a millisecond before the monotonic clock says so. */
  release({ lane: name, id }: Queued): void {
    const lane = this.#lanes.get(name);
    if (lane?.id === id) lane.notBefore = Number.NEGATIVE_INFINITY;
  }

  #laneOf({ lane: name, id }: Queued): Lane {
    const known = this.#lanes.get(name);
    if (known !== undefined && (known.isBusy || known.id === id)) return known;
    const lane: Lane = { id, isBusy: false, failures: 0, notBefore: Number.NEGATIVE_INFINITY };
    this.#lanes.set(name, lane);
    return lane;
  }
}
