// A hint for each lane that has something new. The events are stored already: a hint that is lost is made up for by the sweep.

import type { JobQueue, JobRequest } from '../../queues/port.ts';
import { reportOf } from '../core/errors.ts';
import type { Arrived } from '../store/inbox.ts';
import type { EventLog } from '../telemetry/event-log.ts';

export interface HandOnDeps {
  readonly queue: Pick<JobQueue, 'enqueueMany'>;
  readonly log: EventLog;
}

/** Without a unique key: a job in hand may have looked already when these events came. */
export function processJob({ id, userId }: Arrived): JobRequest<'webhook.process'> {
  return { kind: 'webhook.process', payload: { inboxId: id }, userId };
}

/** Never throws. */
export async function handOn({ queue, log }: HandOnDeps, arrived: readonly Arrived[]): Promise<void> {
  const lanes = new Map(arrived.map((event) => [`${event.integrationId} ${event.lane}`, event]));
  if (lanes.size === 0) return;
  try {
    await queue.enqueueMany([...lanes.values()].map(processJob));
  } catch (error) {
    log.emit('inbox.hint_lost', { lanes: lanes.size, error: reportOf(error) });
  }
}
