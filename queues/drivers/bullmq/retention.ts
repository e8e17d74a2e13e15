// Keeps history within its bounds. BullMQ removes old jobs only when another one ends, so somebody must come by in time.
// Never touches what waits, and never a dead letter.

import { deadLetterOf, QUEUES } from '../../catalog.ts';
import { HISTORY_MS, type ForgetFilter } from '../../driver.ts';
import type { Link } from './engine.ts';
import { baseOf, keysOf } from './layout.ts';

/** Ended jobs that stay of a queue in each state, at most. */
const HISTORY_COUNT = 10_000;

/** Jobs removed by one script call, and calls per state and queue in one pass. */
const PIECE = 250;
const MAX_PIECES = 200;

async function sweep(link: Link, queue: string, state: 'completed' | 'failed', signal: AbortSignal): Promise<void> {
  const oldest = Date.now() - HISTORY_MS;
  for (let piece = 0; piece < MAX_PIECES && !signal.aborted; piece++) {
    const args = [baseOf(queue), Date.now(), state, oldest, HISTORY_COUNT, PIECE];
    if (Number(await link.run('sweep', keysOf(queue), args)) < PIECE) return;
  }
}

/** A bounded piece of what there is to do; the rest is for the next call. */
export async function keepBounds(link: Link, signal: AbortSignal): Promise<void> {
  for (const queue of QUEUES) {
    for (const state of ['completed', 'failed'] as const) await sweep(link, queue, state, signal);
    for (const name of [queue, deadLetterOf(queue)]) {
      if (signal.aborted) return;
      await link.run('trim', keysOf(name), [baseOf(name), Date.now(), Date.now() - HISTORY_MS]);
    }
  }
}

/** Ended jobs of a queue that somebody wants gone; answers their ids. */
export async function forgetJobs(
  link: Link,
  { queue, states, before, ids, limit }: ForgetFilter,
): Promise<readonly string[]> {
  const gone: string[] = [];
  for (;;) {
    const wanted = {
      states: Object.fromEntries(states.map((state) => [state, true])),
      before: before.getTime(),
      limit: Math.min(PIECE, limit - gone.length),
      ...(ids === null ? {} : { ids }),
    };
    const args = [baseOf(queue), Date.now(), JSON.stringify(wanted)];
    const piece = (await link.run('forget', keysOf(queue), args)) as readonly string[];
    gone.push(...piece);
    if (piece.length < PIECE || gone.length >= limit) return gone;
  }
}
