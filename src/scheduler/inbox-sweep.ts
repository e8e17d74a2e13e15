// Makes up for hints that were lost: events that wait for too long are handed on again, and those that came before anybody had
// connected their account find their way.

import type { JobRequest } from '../../queues/port.ts';
import { SECOND_MS } from '../core/duration.ts';
import { createLoop, type Loop } from '../lifecycle/loop.ts';
import type { Arrived } from '../store/inbox.ts';
import { listWaitingLanes } from '../store/inbox-upkeep.ts';
import type { SchedulerDeps } from './claim-due.ts';

export interface InboxSweepOptions extends Omit<SchedulerDeps, 'costOf'> {
  /** Default 2 s. */
  readonly everyMs?: number;
  /** An event that waits for longer was forgotten by whoever should process it; default 3 s. */
  readonly lateMs?: number;
}

const MAX_LANES = 1_000;

/** One job of a lane at a time: the one that waits sees everything anyway. */
function sweptJob({ id, integrationId, lane, userId }: Arrived): JobRequest<'webhook.process'> {
  return { kind: 'webhook.process', payload: { inboxId: id }, uniqueKey: `${integrationId} ${lane}`, userId };
}

/** How many lanes were handed on. */
export async function sweepInbox({
  db,
  queue,
  clock,
  log,
  lateMs = 3 * SECOND_MS,
}: InboxSweepOptions): Promise<number> {
  const since = new Date(clock.now().getTime() - lateMs);
  const lanes = await listWaitingLanes(db, since, MAX_LANES);
  if (lanes.length === 0) return 0;
  await queue.enqueueMany(lanes.map(sweptJob));
  log.emit('inbox.handed_on_late', { lanes: lanes.length });
  return lanes.length;
}

export function createInboxSweep(options: InboxSweepOptions): Loop {
  const { clock, log, everyMs = 2 * SECOND_MS } = options;
  const pass = async (): Promise<void> => void (await sweepInbox(options));
  return createLoop({ name: 'inbox-sweep', everyMs, pass, log, clock });
}
