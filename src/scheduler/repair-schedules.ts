// Puts streams back in their place in time: those without a next fire, and those whose next fire lies too far ahead
// because the clock was set back. Without this a stream could silently drop out of the schedule.

import type { Tx } from '../db/database.ts';
import { lockMisplacedStreams, moveNextSync, type DueStream } from '../store/due-streams.ts';
import type { StreamKey } from '../store/streams.ts';
import type { SchedulerDeps } from './claim-due.ts';
import { decideDue } from './due.ts';

const BATCH = 1_000;
const MAX_BATCHES = 1_000;

/** Looks at every misplaced stream once, in batches; number of streams that were moved. */
export async function repairSchedules(
  { db, clock }: Pick<SchedulerDeps, 'db' | 'clock'>,
  signal: AbortSignal,
): Promise<number> {
  let after: StreamKey | null = null;
  let moved = 0;
  for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch++) {
    const done = await db.tx({ kind: 'none' }, (tx) => repairBatch(tx, clock.now(), after));
    moved += done.moved;
    if (done.last === null) break;
    after = done.last;
  }
  return moved;
}

async function repairBatch(
  tx: Tx,
  now: Date,
  after: StreamKey | null,
): Promise<{ readonly moved: number; readonly last: StreamKey | null }> {
  const candidates = await lockMisplacedStreams(tx, { now, after, limit: BATCH });
  const fires = candidates.flatMap((stream) => {
    const at = rightPlace(stream, now);
    return at === null ? [] : [{ integrationId: stream.integrationId, stream: stream.stream, at }];
  });
  await moveNextSync(tx, fires, now);
  return { moved: fires.length, last: candidates.length < BATCH ? null : candidates.at(-1)! };
}

/** Null: it is where it belongs, or its schedule is unreadable, which claiming deals with once it is due. */
function rightPlace(stream: DueStream, now: Date): Date | null {
  const decision = decideDue(stream, now);
  if (decision.kind === 'unreadable') return stream.nextSyncAt === null ? now : null;
  return stream.nextSyncAt === null || stream.nextSyncAt > decision.next ? decision.next : null;
}
